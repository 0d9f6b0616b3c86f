;; table of the code with the data bank at WRAM => AFS702
main:
    sep #$30
    phb
    lda #$7F
    pha
    plb
    ldx #$02
    lda.w Table,x
    plb
    sta $10
    rts
Table:
    db 1,2,3
;; table of the code with the data bank at 0 => AFS702
org $058000
main:
    sep #$30
    phb
    lda #$00
    pha
    plb
    lda.w Table,y
    plb
    sta $10
    rtl
Table:
    db 1,2,3
;; table after a block move => AFS702
main:
    rep #$30
    phb
    ldx #$8000
    ldy #$2000
    lda #$00FF
    mvn $7E,$00
    lda.w Table
    sta $10
    plb
    sep #$30
    rts
Table:
    dw 1
;; data bank of the code => clean
org $058000
main:
    sep #$30
    phb
    phk
    plb
    lda.w Table,y
    plb
    sta $10
    rtl
Table:
    db 1,2,3
;; low RAM shows in every system bank => clean
org $058000
main:
    phb
    phk
    plb
    lda $0100
    sta $1F00
    sta $2100
    plb
    rtl
;; long address needs no data bank => clean
main:
    sep #$30
    phb
    lda #$7F
    pha
    plb
    lda.l Table,x
    sta $9000
    plb
    rts
Table:
    db 1,2,3
;; NMI register with the data bank at WRAM => AFS703
main:
    sep #$20
    phb
    lda #$7E
    pha
    plb
    lda #$81
    sta $4200
    plb
    rts
;; joypad after a block move => AFS703
main:
    rep #$30
    phb
    ldx #$2000
    ldy #$3000
    lda #$00FF
    mvn $7E,$7E
    lda $4218
    sta $10
    plb
    sep #$30
    rts
;; long address of a register => clean
main:
    sep #$20
    phb
    lda #$7E
    pha
    plb
    lda #$81
    sta.l $004200
    plb
    rts
;; WRAM at the same address with an index => clean
main:
    sep #$30
    phb
    lda #$7E
    pha
    plb
    ldx #$00
    sta $2100,x
    plb
    rts
;; negative index => AFS704
main:
    rep #$30
    phb
    phk
    plb
    ldy #$FFFE
    lda.w Table+2,y
    sta $10
    plb
    sep #$30
    rts
Table:
    dw 1,2
;; index over the end => AFS704
main:
    rep #$30
    ldx #$1000
    lda.l $01F800,x
    sta $10
    sep #$30
    rts
;; index over the end of the first WRAM bank => clean
main:
    rep #$30
    ldx #$1000
    lda.l $7EF800,x
    sta $10
    sep #$30
    rts
;; index within the bank => clean
main:
    rep #$30
    ldx #$0100
    lda.l $01F800,x
    sta $10
    sep #$30
    rts
;; word at the end of a bank => AFS705
main:
    rep #$20
    lda.l $02FFFF
    sta $10
    sep #$20
    rts
;; byte at the end of a bank => clean
main:
    sep #$20
    lda.l $02FFFF
    sta $10
    rts
;; banks differ by path => AFS707
main:
    sep #$20
    phb
    lda $10
    bne other
    lda #$7F
    pha
    plb
    bra both
other:
    phk
    plb
both:
    lda $8000
    sta $20
    plb
    rts
;; banks differ by path, low RAM => clean
main:
    sep #$20
    phb
    lda $10
    bne other
    lda #$80
    pha
    plb
    bra both
other:
    lda #$00
    pha
    plb
both:
    lda $0100
    sta $20
    plb
    rts
;; D left at the registers => AFS802
main:
    rep #$20
    lda #$2100
    tcd
    sep #$20
    lda #$80
    sta $00
    rts
;; D not what it was => AFS802 | entry d=0
main:
    rep #$20
    lda #$0100
    tcd
    lda $10
    sta $12
    sep #$20
    rts
;; D restored => clean
main:
    phd
    rep #$20
    lda #$2100
    tcd
    sep #$20
    lda #$80
    sta $00
    pld
    rts
;; D set at the start for all => clean
Reset:
    sei
    clc
    xce
    rep #$30
    lda #$0000
    tcd
    lda #$1FFF
    tcs
loop:
    inc $10
    bra loop
;; D differs by path => AFS803
main:
    rep #$20
    phd
    lda $10
    bne other
    lda #$0100
    tcd
    bra both
other:
    lda #$0000
    tcd
both:
    stz $20
    pld
    sep #$20
    rts
;; D is not page aligned => AFS801 | select AFS801
main:
    rep #$20
    phd
    lda #$1234
    tcd
    stz $00
    pld
    sep #$20
    rts
