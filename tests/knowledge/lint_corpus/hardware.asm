;; 16-bit write to INIDISP => AFS901@2
    rep #$20
    stz $2100
    sep #$20
    rts
;; 16-bit write to MDMAEN => AFS901@3
    rep #$20
    lda #$0001
    sta $420B
    sep #$20
    rts
;; 16-bit write to NMITIMEN => AFS901
    rep #$20
    lda #$0081
    sta $4200
    sep #$20
    rts
;; 16-bit write to CGDATA => AFS901
    rep #$20
    lda $10
    sta $2122
    sep #$20
    rts
;; 16-bit write to a scroll register => AFS901
    rep #$20
    lda $10
    sta $210D
    sep #$20
    rts
;; 16-bit write by an index register => AFS901@3
    rep #$10
    ldx #$0080
    stx $2115
    sep #$10
    rts
;; 16-bit write through the direct page => AFS901
    rep #$20
    phd
    lda #$2100
    tcd
    lda #$000F
    sta $00
    pld
    sep #$20
    rts
;; 16-bit write by a long address => AFS901
    rep #$20
    lda #$0080
    sta.l $802100
    sep #$20
    rts
;; 16-bit write to COLDATA => AFS901
    rep #$20
    lda #$00E0
    sta $2132
    sep #$20
    rts
;; pairs take 16 bits => clean
    rep #$20
    lda #$1000
    sta $2116
    sta $2118
    sta $4302
    sta $4305
    sta $4202
    sta $4204
    sta $2181
    sta $2102
    sta $2140
    lda #$0101
    sta $212C
    sta $2126
    sep #$20
    rts
;; cleared together with their neighbours => clean
    rep #$20
    stz $420B
    stz $210D
    stz $210D
    stz $2133
    sep #$20
    rts
;; width unknown => clean
    lda $10
    sta $2100
    rts
;; WRAM at the same offset => clean
    rep #$20
    lda $10
    sta.l $7E2100
    sep #$20
    rts
;; NMI flag read with 16 bits => AFS902
    rep #$20
    lda $4210
    sta $10
    sep #$20
    rts
;; vblank bit tested with 16 bits => AFS902
    rep #$20
-   lda $4212
    bpl -
    sep #$20
    rts
;; palette read with 16 bits => AFS902
    rep #$20
    lda $213B
    sta $10
    sep #$20
    rts
;; joypad, product and VRAM read with 16 bits => clean
    rep #$20
    lda $4218
    sta $10
    lda $4216
    sta $12
    lda $2139
    sta $14
    sep #$20
    rts
;; autojoy bit tested with 16 bits => clean
    rep #$20
-   lda $4212
    lsr a
    bcs -
    sep #$20
    rts
;; read of INIDISP => AFS903@2
    sep #$20
    lda $2100
    and #$7F
    sta $10
    rts
;; tsb on NMITIMEN => AFS903
    sep #$20
    lda #$80
    tsb $4200
    rts
;; inc on a scroll register => AFS903
    sep #$20
    inc $210D
    rts
;; compare with the H timer => AFS903
    sep #$20
    lda $10
    cmp $4207
    beq done
    inc $12
done:
    rts
;; read of HDMAEN by a long address => AFS903
    sep #$20
    lda.l $00420C
    sta $10
    rts
;; registers that can be read => clean
    sep #$20
    lda $2140
    sta $10
    lda $4016
    sta $11
    lda $4300
    sta $12
    lda $2180
    sta $13
    lda $213F
    sta $14
    rts
;; write to RDNMI => AFS904
    sep #$20
    stz $4210
    rts
;; write to the joypad => AFS904
    rep #$20
    stz $4218
    sep #$20
    rts
;; write to the product => AFS904
    sep #$20
    lda $10
    sta $2134
    rts
;; registers that can be written => clean
    sep #$20
    stz $2133
    stz $420D
    stz $4016
    stz $4310
    rts
;; high byte before low byte => AFS905@8
    sep #$30
    lda #$80
    sta $2115
    stz $2116
    stz $2117
    lda #$20
    sta $2119
    stz $2118
    rts
;; low byte before high byte, step after low => AFS905
    sep #$20
    stz $2115
    stz $2116
    stz $2117
    lda #$12
    sta $2118
    lda #$20
    sta $2119
    rts
;; 16 bits, step after low => AFS905
    sep #$30
    stz $2115
    rep #$20
    lda #$5800
    sta $2116
    lda #$2012
    sta $2118
    sep #$20
    rts
;; low then high, step after high => clean
    sep #$20
    lda #$80
    sta $2115
    stz $2116
    stz $2117
    lda #$12
    sta $2118
    lda #$20
    sta $2119
    lda #$13
    sta $2118
    lda #$20
    sta $2119
    rts
;; VMAIN unknown => clean
    sep #$20
    lda #$20
    sta $2119
    stz $2118
    rts
;; product read at once => AFS906
    sep #$20
    lda #$05
    sta $4202
    lda $10
    sta $4203
    lda $4216
    sta $12
    rts
;; product read after one nop => AFS906
    sep #$20
    lda #$05
    sta $4202
    lda $10
    sta $4203
    nop
    lda $4216
    sta $12
    rts
;; quotient read after eight cycles => AFS906
    rep #$20
    lda $10
    sta $4204
    sep #$20
    lda #$0A
    sta $4206
    nop
    nop
    nop
    nop
    lda $4214
    sta $12
    rts
;; remainder read behind a rep => AFS906
    sep #$20
    lda #$0A
    sta $4206
    rep #$20
    lda $4216
    sta $12
    sep #$20
    rts
;; product read after four nops => clean
    sep #$20
    lda $10
    sta $4203
    nop
    nop
    nop
    nop
    lda $4216
    sta $12
    rts
;; quotient read after eight nops => clean
    sep #$20
    lda #$0A
    sta $4206
    nop
    nop
    nop
    nop
    nop
    nop
    nop
    nop
    lda $4214
    sta $12
    rts
;; quotient read behind a call => clean
main:
    sep #$20
    lda #$0A
    sta $4206
    jsr Wait
    lda $4214
    sta $12
    rts
Wait:
    nop
    rts
;; VRAM after the picture is on => AFS907
    sep #$20
    lda #$8F
    sta $2100
    lda #$0F
    sta $2100
    lda $10
    sta $2118
    rts
;; OAM after the picture is on => AFS907
    sep #$20
    lda #$80
    sta $2100
    stz $2102
    lda #$0F
    sta $2100
    lda $10
    sta $2104
    rts
;; vblank is waited for => clean
    sep #$20
    lda #$80
    sta $2100
    lda #$0F
    sta $2100
-   lda $4212
    bpl -
    lda $10
    sta $2118
    rts
;; brightness in an NMI handler's upload => clean
    sep #$20
    lda #$0F
    sta $2100
    lda $10
    sta $2104
    rts
;; count of zero => AFS908
    rep #$20
    lda #$1801
    sta $4300
    lda #$8000
    sta $4302
    stz $4305
    sep #$20
    lda #$01
    sta $4304
    lda #$01
    sta $420B
    rts
;; count unknown => clean
    rep #$20
    lda $10
    sta $4305
    sep #$20
    lda #$01
    sta $420B
    rts
;; source runs over the bank => AFS909
    rep #$20
    lda #$1801
    sta $4310
    lda #$FC00
    sta $4312
    lda #$0800
    sta $4315
    sep #$20
    lda #$05
    sta $4314
    lda #$02
    sta $420B
    rts
;; source ends with the bank => clean
    rep #$20
    lda #$1801
    sta $4310
    lda #$FC00
    sta $4312
    lda #$0400
    sta $4315
    sep #$20
    lda #$05
    sta $4314
    lda #$02
    sta $420B
    rts
;; fixed source does not wrap => clean
    rep #$20
    lda #$1809
    sta $4310
    lda #$FFFF
    sta $4312
    lda #$0800
    sta $4315
    sep #$20
    lda #$05
    sta $4314
    lda #$02
    sta $420B
    rts
;; DMA on the HDMA channel => AFS910
    sep #$20
    lda #$C0
    sta $420C
    inc $10
    lda #$40
    sta $420B
    rts
;; HDMA switched off first => clean
    sep #$20
    lda #$01
    sta $420C
    inc $10
    stz $420C
    lda #$01
    sta $420B
    rts
;; WRAM to WRAM => AFS911
    rep #$20
    lda #$8000
    sta $4300
    lda #$2000
    sta $4302
    lda #$0100
    sta $4305
    sep #$20
    lda #$7E
    sta $4304
    lda #$01
    sta $420B
    rts
;; ROM to WRAM => clean
    rep #$20
    lda #$8000
    sta $4300
    lda #$9000
    sta $4302
    lda #$0100
    sta $4305
    sep #$20
    lda #$04
    sta $4304
    lda #$01
    sta $420B
    rts
