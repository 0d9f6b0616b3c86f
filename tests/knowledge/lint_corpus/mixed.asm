;; screen on then vram (main from reset) => AFS907@11
Reset:
    sei
    clc
    xce
    sep #$20
    lda #$0F
    sta $2100
    rep #$20
    lda #$1000
    sta $2116
    sta $2118
.l  bra .l
org $00FFFC
    dw Reset
;; rep without sep in a sub then 8-bit store => AFS303@9
Start:
    sep #$30
    jsr Load
    sta $2105
    rts
Load:
    rep #$20
    lda $10
    rts
;; php plp around but rtl in the middle => AFS401@10
Routine:
    php
    sep #$20
    lda $1B
    beq .out
    inc $1C
    plp
    rtl
.out
    rtl
;; phb phk plb missing plb on one path => AFS401@13
Routine:
    phb
    phk
    plb
    sep #$20
    lda $8123
    beq .no
    plb
    rtl
.no
    lda #$01
    sta $10
    rtl
;; 16-bit pull of 8-bit y => AFS402@6
    sep #$10
    rep #$20
    phy
    lda $10
    sta $12
    pla
    rts
;; dma 16-bit to 420B through x => AFS901@3
    rep #$30
    ldx #$0001
    stx $420B
    rts
;; hdma channel clash => AFS910@6
    sep #$20
    lda #$81
    sta $420C
    stz $10
    lda #$80
    sta $420B
    rts
;; nmi w/o save => AFS1001@3 AFS1001@4
NmiHandler:
    sep #$30
    lda $4210
    ldx #$00
    stx $2100
    rti
;; sed in loop no cld => AFS1301@2
    sep #$20
    sed
    ldx #$03
-   lda $10,x
    adc $20,x
    sta $10,x
    dex
    bpl -
    rtl
;; mvn standard order from ROM bank 0E to WRAM => AFS1302@6
    phb
    rep #$30
    lda #$01FF
    ldx #$8000
    ldy #$2000
    mvn $0E,$7E
    plb
    rtl
;; mult early in 16-bit => AFS906@7
    sep #$20
    lda #$03
    sta $4202
    lda #$04
    sta $4203
    rep #$20
    lda $4216
    sta $00
    rts
;; write-only read bit => AFS903@2
    sep #$20
    bit $4200
    bmi +
    inc $10
+   rts
;; trb on write-only => AFS903@3
    sep #$20
    lda #$80
    trb $2100
    rts
;; falls through into table => AFS504@5
GetColor:
    sep #$30
    ldx $10
    lda .colors,x
    sta $11
.colors
    db $1F,$3F,$5F
;; bne to number => AFS601@3
    ldx #$10
-   dex
    bne $FD
    rts
;; unbalanced loop => AFS401@8
L:
    sep #$30
    ldx #$05
.loop
    pha
    dex
    bne .loop
    rts
;; D reg set and forgotten => AFS802@6
    rep #$30
    lda #$0200
    tcd
    lda $10
    sta $20
    rtl
;; cpx 16 in 8 => AFS201@5
    sep #$10
    ldx #$00
-   stz $0200,x
    inx
    cpx #$0200
    bne -
    rts
;; dead branch code => AFS1203@4
L:
    lda $10
    bra .end
    lda $12
.end
    rts
;; DB=7E then hardware => AFS703@7
    phb
    pea $7E7E
    plb
    plb
    sep #$20
    lda #$8F
    sta $2100
    plb
    rts
;; irq w/o 4211 => AFS1003@2
IrqHandler:
    rep #$30
    pha
    inc $20
    pla
    rti
;; dma count zero => AFS908@6
    sep #$20
    rep #$10
    ldx #$0000
    stx $4315
    lda #$02
    sta $420B
    rts
;; wide stx to 2121 => AFS901@3
    rep #$10
    ldx #$0010
    stx $2121
    rts
;; joypad write => AFS904@3
    sep #$20
    lda #$01
    sta $4219
    rts
;; two 8-bit pushes one pull => AFS401@7
    sep #$20
    pha
    pha
    lda $10
    sta $12
    pla
    rts
;; phd pla => AFS402@9
    phd
    rep #$20
    lda #$0000
    tcd
    lda $10
    sta $12
    sep #$20
    pla
    rtl
;; jmp table in other bank => AFS701@2
org $018000
    jsr.w Other
    rtl
org $028000
Other:
    rts
;; width after call of plp-less => AFS201@4
Main:
    rep #$20
    jsl Sub
    lda #$1234
    sta $10
    rtl
Sub:
    sep #$20
    lda #$05
    sta $20
    rtl
;; label immediate cut => AFS202@2
    sep #$20
    ldy.b #$1000
    rts
