;; byte immediate cut => AFS202@2
    sep #$20
    lda.b #$0180
    sta $10
    rts
;; word immediate cut => AFS202@2
    rep #$20
    lda #$12345
    sta $10
    sep #$20
    rts
;; decimal number cut => AFS202@2
    sep #$10
    ldx.b #300
    stx $10
    rts
;; mask cut => AFS202@3
    sep #$20
    lda $10
    and.b #$F0F0
    sta $10
    rts
;; rep with a suffix => AFS202@1
    rep.b #$130
    rts
;; high byte by a shift => clean
    sep #$20
    lda.b #$1234>>8
    sta $10
    lda.b #$1234&$FF
    sta $11
    rts
;; negative immediates => clean
    sep #$20
    lda.b #-1
    sta $10
    rep #$20
    lda.w #-2
    sta $12
    sep #$20
    rts
;; binary immediate fits => clean
    sep #$20
    lda.b #%11110000
    sta $10
    rts
;; low byte of a define => clean
!Value = $1234
    sep #$20
    lda.b #!Value
    sta $10
    rts
;; direct page address cut => AFS203@2
    sep #$20
    sta.b $2100
    rts
;; indexed direct address cut => AFS203
    lda.b $0210,x
    sta $10
    rts
;; long address cut => AFS203
    lda.l $12345678
    sta $10
    rts
;; bank of a block move cut => AFS203@3
    rep #$30
    phb
    mvn $7E7E,$7E
    plb
    rts
;; address fits in a byte => clean
    lda.b $0012
    sta.b $FF
    rts
;; WRAM address as direct page => clean
    lda.b $7E0012
    sta.b $12
    rts
;; direct page moved to there => clean
    rep #$20
    phd
    lda #$0300
    tcd
    lda.b $0310
    sta.b $12
    pld
    sep #$20
    rts
;; a register with its bank, cut to 16 bits on purpose => clean
    sep #$20
    lda #$80
    sta.w $002100
    rts
;; byte data cut => AFS204@2
    rts
    db 1,2,300
;; word data cut => AFS204@3
    rts
table:
    dw $1234,$12345
;; long data cut => AFS204@3
    rts
table:
    dl $12345678
;; a byte too negative => AFS204@2
    rts
    db -129
;; number behind a text => AFS204@2
    rts
    db "ABC",256
;; data at the limits => clean
    rts
    db 0,255,-128,$FF
    dw $FFFF,-32768
    dl $FFFFFF
;; characters and texts => clean
    rts
    db "300,400",'A',$0D
;; commented out => clean
    rts ; db 300
    ; lda.b #$1234
;; not assembled => clean
    rts
if 0
    db 300
    lda.b #$1234
endif
;; branch to an address => AFS601@2
    lda $10
    bne $8004
    rts
;; endless loop by a number => AFS601@2
    inc $10
    bra $FE
;; long branch to an address => AFS601@2
    inc $10
    brl $8100
;; branch to a negative number => AFS601@3
    sep #$20
    dec $10
    bne -4
    rts
;; branch to a define => AFS601@3
!Target = $8000
    inc $10
    bne !Target
    rts
;; branches to labels => clean
start:
    inc $10
    beq +
    bne start
+
-   dec $11
    bpl -
    brl start
;; branch to a label with an offset => clean
start:
    inc $10
    bne start+2
    rts
;; block move with one number => AFS1304
    rep #$30
    phb
    ldx #$2000
    ldy #$3000
    lda #$00FF
    mvn $7F7E
    plb
    sep #$30
    rts
