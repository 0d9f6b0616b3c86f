;; reset and main loop
Reset:
    sei
    clc
    xce
    rep #$38
    ldx #$1FFF
    txs
    lda #$0000
    tcd
    sep #$20
    phk
    plb
    lda #$80
    sta $2100
    stz $4200
    jsr Setup
    lda #$81
    sta $4200
    cli
.forever
    wai
    jsr Step
    bra .forever
Setup:
    stz $10
    stz $11
    rts
Step:
    inc $10
    bne .done
    inc $11
.done
    rts
;; NMI with everything saved
Nmi:
    rep #$30
    pha
    phx
    phy
    phd
    phb
    phk
    plb
    lda #$0000
    tcd
    sep #$20
    lda $4210
    inc $1A
    lda $10
    sta $210D
    stz $210D
    rep #$30
    plb
    pld
    ply
    plx
    pla
    rti
;; short NMI that uses a long read
NMI:
    pha
    lda.l $004210
    pla
    rti
;; NMI that jumps to a far handler
NmiVector:
    jml NmiFar
org $008100
NmiFar:
    rep #$30
    pha
    phx
    phy
    phb
    phd
    pea $0000
    pld
    sep #$30
    lda #$00
    pha
    plb
    lda $4210
    jsr Update
    rep #$30
    pld
    plb
    ply
    plx
    pla
    rti
Update:
    ldx #$03
.loop
    lda $20,x
    sta $2126,x
    dex
    bpl .loop
    rts
;; IRQ that checks its source
IRQ:
    rep #$20
    pha
    sep #$20
    lda.l $004211
    bpl .done
    lda.b #$0F
    sta.l $002100
.done
    rep #$20
    pla
    rti
;; handlers and vectors
Reset:
    sei
    clc
    xce
    sep #$30
    lda #$81
    sta $4200
.loop
    wai
    bra .loop
VBlank:
    rep #$30
    pha
    phx
    sep #$30
    lda.l $004210
    ldx $10
    inx
    stx $10
    rep #$30
    plx
    pla
    rti
Empty:
    rti
org $00FFEA
    dw VBlank
org $00FFEE
    dw Empty
org $00FFFC
    dw Reset
;; joypad by auto-read
ReadPad:
    sep #$20
.wait
    lda $4212
    and #$01
    bne .wait
    rep #$20
    lda $4218
    tax
    eor $20
    and $4218
    sta $22
    stx $20
    sep #$20
    rts
;; joypad by serial reads
ReadSerial:
    sep #$30
    lda #$01
    sta $4016
    stz $4016
    ldx #$08
.bit
    lda $4016
    lsr a
    rol $10
    dex
    bne .bit
    rts
;; multiply with nops
Multiply:
    sep #$20
    lda $10
    sta $4202
    lda $11
    sta $4203
    nop
    nop
    nop
    nop
    rep #$20
    lda $4216
    sta $12
    sep #$20
    rts
;; multiply with both factors in one write
MultiplyWide:
    rep #$20
    lda $10
    sta $4202
    nop
    nop
    nop
    nop
    lda $4216
    sta $12
    rts
;; multiply with work between
MultiplyBusy:
    sep #$20
    lda $10
    sta $4202
    lda #$18
    sta $4203
    lda $20
    clc
    adc $21
    sta $22
    ldx $4216
    stx $14
    rts
;; divide
Divide:
    rep #$20
    lda $10
    sta $4204
    sep #$20
    lda $12
    sta $4206
    xba
    xba
    nop
    nop
    nop
    nop
    nop
    rep #$20
    lda $4214
    sta $14
    lda $4216
    sta $16
    sep #$20
    rts
;; PPU multiply needs no wait
PpuMultiply:
    sep #$20
    lda $10
    sta $211B
    lda $11
    sta $211B
    lda $12
    sta $211C
    lda $2134
    sta $14
    lda $2135
    sta $15
    rts
;; APU handshake
ApuReady:
    rep #$20
    lda #$BBAA
.wait
    cmp $2140
    bne .wait
    sep #$20
    lda #$CC
    sta $2140
.echo
    cmp $2140
    bne .echo
    rts
;; IRQ timers
SetTimers:
    sep #$20
    rep #$10
    ldx #$0060
    stx $4209
    ldx #$00A0
    stx $4207
    lda #$31
    sta $4200
    sep #$10
    rts
;; shadow of a write-only register
EnableNmi:
    sep #$20
    lda $40
    ora #$80
    sta $40
    sta $4200
    rts
;; FastROM on
FastRom:
    sep #$20
    lda #$01
    sta $420D
    jml $808000|Fast
Fast:
    lda #$80
    pha
    plb
.loop
    bra .loop
;; save RAM byte
SaveByte:
    sep #$20
    lda $10
    sta.l $700000
    lda.l $700001
    sta $11
    rts
;; handler that saves the data bank for the routines that it calls
NMI:
    rep #$30
    phb
    pha
    phx
    phy
    phd
    jsl Frame
    jsl Sound
    rep #$30
    pld
    ply
    plx
    pla
    plb
    rti
Frame:
    sep #$30
    phk
    plb
    lda $4210
    lda $1000
    sta $1001
    rtl
Sound:
    sep #$30
    lda #$7E
    pha
    plb
    lda $8000
    sta.l $002140
    rtl
