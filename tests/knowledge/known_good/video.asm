;; upload to VRAM by DMA
UploadTiles:
    php
    sep #$20
    rep #$10
    lda #$80
    sta $2115
    ldx #$0000
    stx $2116
    lda #$01
    sta $4300
    lda #$18
    sta $4301
    ldx.w #Tiles
    stx $4302
    lda.b #Tiles>>16
    sta $4304
    ldx #$0010
    stx $4305
    lda #$01
    sta $420B
    plp
    rtl
Tiles:
    db 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
;; upload to VRAM by DMA with 16-bit writes
UploadWide:
    php
    rep #$20
    sep #$10
    ldx #$80
    stx $2115
    lda #$4000
    sta $2116
    lda #$1801
    sta $4310
    lda #$9000
    sta $4312
    ldx #$02
    stx $4314
    lda #$0800
    sta $4315
    ldx #$02
    stx $420B
    plp
    rts
;; palette by DMA
UploadPalette:
    sep #$20
    stz $2121
    lda #$00
    sta $4300
    lda #$22
    sta $4301
    rep #$20
    lda.w #Palette
    sta $4302
    lda #$0008
    sta $4305
    sep #$20
    lda.b #bank(Palette)
    sta $4304
    lda #$01
    sta $420B
    rts
Palette:
    dw $0000,$7FFF,$03E0,$001F
;; palette colour by hand
SetColour:
    sep #$20
    lda #$10
    sta $2121
    lda #$1F
    sta $2122
    lda #$7C
    sta $2122
    rts
;; OAM by DMA
UploadOam:
    php
    rep #$20
    stz $2102
    lda #$0400
    sta $4300
    lda #$0300
    sta $4302
    lda #$0220
    sta $4305
    sep #$20
    stz $4304
    lda #$01
    sta $420B
    plp
    rts
;; hide all objects
HideObjects:
    sep #$20
    rep #$10
    ldx #$0000
    lda #$F0
.loop
    sta $0301,x
    inx
    inx
    inx
    inx
    cpx #$0200
    bne .loop
    sep #$10
    rts
;; tile map words with 16-bit stores
DrawRow:
    php
    sep #$20
    lda #$80
    sta $2115
    rep #$30
    lda #$5800
    sta $2116
    ldx #$0000
.loop
    lda.l Row,x
    sta $2118
    inx
    inx
    cpx #$0008
    bne .loop
    plp
    rtl
Row:
    dw 1,2,3,4
;; tile bytes, low then high
DrawBytes:
    sep #$20
    lda #$80
    sta $2115
    stz $2116
    lda #$58
    sta $2117
    lda #$12
    sta $2118
    lda #$20
    sta $2119
    rts
;; low bytes only, step after low
LowBytes:
    sep #$30
    stz $2115
    stz $2116
    lda #$40
    sta $2117
    ldx #$00
.loop
    txa
    sta $2118
    inx
    cpx #$20
    bne .loop
    rts
;; high bytes first, step after low
HighFirst:
    sep #$20
    stz $2115
    stz $2116
    lda #$40
    sta $2117
    lda #$12
    sta $2119
    lda #$34
    sta $2118
    rts
;; mode 7 high bytes only
ModeSevenTiles:
    sep #$20
    lda #$80
    sta $2115
    stz $2116
    stz $2117
    lda #$AA
    sta $2119
    sta $2119
    rts
;; VRAM read with the dummy read
ReadVram:
    php
    sep #$10
    rep #$20
    ldx #$80
    stx $2115
    lda #$1000
    sta $2116
    lda $2139
    lda $2139
    sta $10
    plp
    rts
;; screen set-up in forced blank
ScreenSetup:
    sep #$20
    lda #$80
    sta $2100
    lda #$01
    sta $2105
    lda #$58
    sta $2107
    stz $210B
    lda #$11
    sta $212C
    stz $212D
    stz $2121
    stz $2122
    stz $2122
    lda #$0F
    sta $2100
    rts
;; registers cleared in 16 bits
ClearRegisters:
    rep #$20
    stz $2105
    stz $2107
    stz $2109
    stz $210B
    stz $212C
    stz $212E
    stz $2130
    sep #$20
    rts
;; scroll by writing twice
Scroll:
    sep #$20
    lda $20
    sta $210D
    lda $21
    sta $210D
    lda $22
    sta $210E
    lda $23
    sta $210E
    rts
;; fade in
FadeIn:
    sep #$20
    lda $13
    cmp #$0F
    beq .done
    inc $13
    lda $13
    sta $2100
.done
    rts
;; HDMA gradient
Gradient:
    php
    sep #$20
    rep #$10
    lda #$02
    sta $4370
    lda #$22
    sta $4371
    ldx.w #GradientTable
    stx $4372
    lda.b #GradientTable>>16
    sta $4374
    lda #$80
    sta $420C
    plp
    rtl
GradientTable:
    db $20,$00,$00
    db $20,$1F,$00
    db $00
;; HDMA on one channel, DMA on another
BothKinds:
    sep #$20
    lda #$80
    sta $420C
    lda #$02
    sta $420B
    rts
;; window and colour math
Window:
    sep #$20
    lda #$33
    sta $2123
    lda #$20
    sta $2126
    lda #$E0
    sta $2127
    lda #$E7
    sta $2132
    rts
;; direct page over the PPU registers
DirectPpu:
    php
    phd
    rep #$20
    lda #$2100
    tcd
    sep #$20
    lda #$80
    sta $00
    lda #$01
    sta $05
    pld
    plp
    rts
;; direct page over the DMA registers
DirectDma:
    phd
    php
    rep #$20
    lda #$4300
    tcd
    lda #$1801
    sta $00
    lda #$8000
    sta $02
    lda #$0100
    sta $05
    sep #$20
    lda #$01
    sta $04
    sta $420B
    plp
    pld
    rtl
;; wait for vblank
WaitVblank:
    sep #$20
.wait
    lda $4212
    bpl .wait
    rts
;; wait for the start of vblank
WaitStart:
    sep #$20
-   bit $4212
    bmi -
-   bit $4212
    bpl -
    rts
;; counters latched
ReadCounters:
    sep #$20
    lda $213F
    lda $2137
    lda $213D
    sta $10
    lda $213D
    and #$01
    sta $11
    rts
