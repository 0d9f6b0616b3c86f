;; A not saved => AFS1001
NMI:
    sep #$20
    lda.l $004210
    inc $10
    rti
;; X not saved => AFS1001
NMI:
    rep #$30
    pha
    sep #$30
    lda.l $004210
    ldx #$02
    stx $10
    rep #$30
    pla
    rti
;; high byte of A not saved => AFS1001
NMI:
    sep #$20
    pha
    lda.l $004210
    rep #$20
    lda $10
    sta $12
    sep #$20
    pla
    rti
;; data bank not restored => AFS1001
NMI:
    rep #$20
    pha
    phk
    plb
    sep #$20
    lda $4210
    rep #$20
    pla
    rti
;; D not restored => AFS1001
NMI:
    rep #$20
    pha
    lda #$0000
    tcd
    sep #$20
    lda.l $004210
    rep #$20
    pla
    rti
;; A changed in a called routine => AFS1001
IRQ:
    sep #$20
    jsr Work
    rti
Work:
    lda.l $004211
    rts
;; all saved => clean
NMI:
    rep #$30
    pha
    phx
    phy
    phb
    phd
    lda #$0000
    tcd
    phk
    plb
    sep #$30
    lda $4210
    ldx #$04
    ldy #$02
    stx $10
    sty $11
    rep #$30
    pld
    plb
    ply
    plx
    pla
    rti
;; only A is used, only A is saved => clean
VBlank:
    sep #$20
    pha
    lda.l $004210
    inc $10
    pla
    rti
;; registers kept in memory => clean
IRQ:
    rep #$20
    sta.l $7E1F00
    sep #$20
    lda.l $004211
    rep #$20
    lda.l $7E1F00
    rti
;; nothing changed => clean
Empty:
    rti
;; data bank of other code => AFS1002
main:
    rep #$30
    phb
    ldx #$8000
    ldy #$2000
    lda #$0FFF
    mvn $7E,$01
    sta $3000
    plb
    sep #$30
    rts
NMI:
    rep #$20
    pha
    sep #$20
    lda $4210
    rep #$20
    pla
    rti
;; D of other code => AFS1002
main:
    phd
    rep #$20
    lda #$4300
    tcd
    stz $02
    pld
    sep #$20
    rts
NMI:
    rep #$20
    pha
    sep #$20
    lda.l $004210
    inc $10
    rep #$20
    pla
    rti
;; other code never changes the data bank => clean
main:
    sep #$20
    lda $2000
    sta $10
    rts
NMI:
    rep #$20
    pha
    sep #$20
    lda $4210
    rep #$20
    pla
    rti
;; NMI never acknowledged => AFS1003
NMI:
    rep #$30
    pha
    sep #$20
    lda #$80
    sta.l $002100
    rep #$30
    pla
    rti
;; NMI of a vector never acknowledged => AFS1003
Handler:
    inc $10
    rti
org $00FFEA
    dw Handler
;; IRQ reads the wrong register => AFS1003
IRQ:
    sep #$20
    pha
    lda.l $004210
    pla
    rti
;; acknowledged in a routine => clean
NMI:
    sep #$20
    pha
    jsr Acknowledge
    pla
    rti
Acknowledge:
    lda.l $004210
    rts
;; acknowledged by bit => clean
NMI:
    bit $4210
    inc $10
    rti
;; acknowledged where nobody can see => clean
NMI:
    jsl $009000
    rti
;; handler ends with rtl => AFS1004
Handler:
    inc $10
    rtl
org $00FFEE
    dw Handler
;; handler ends with rti => clean
Handler:
    sep #$20
    pha
    lda.l $004211
    pla
    rti
org $00FFEE
    dw Handler
;; X cut before it is saved => AFS1005
main:
    rep #$10
    ldx #$0200
loop:
    dex
    bne loop
    sep #$10
    rts
NMI:
    sep #$30
    pha
    phx
    lda.l $004210
    tax
    stx $10
    plx
    pla
    rti
;; 8-bit program, 8-bit saves => clean
main:
    sep #$30
    ldx #$02
loop:
    dex
    bne loop
    rts
NMI:
    sep #$30
    pha
    phx
    lda.l $004210
    tax
    stx $10
    plx
    pla
    rti
