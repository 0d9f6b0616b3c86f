; Thirty routines of disassembly.asm renamed, moved and edited, and ten of its own.
!v_00 = $00
!v_0000 = $0000
!v_01 = $01
!v_012e = $012E
!v_012f = $012F
!v_02 = $02
!v_03 = $03
!v_031f = $031F
!v_04 = $04
!v_0414 = $0414
!v_05 = $05
!v_06 = $06
!v_0606 = $0606
!v_068c = $068C
!v_07 = $07
!v_0bc0 = $0BC0
!v_0c4a = $0C4A
!v_0c72 = $0C72
!v_0d00 = $0D00
!v_0d01 = $0D01
!v_0d10 = $0D10
!v_0d20 = $0D20
!v_0d30 = $0D30
!v_0d40 = $0D40
!v_0d50 = $0D50
!v_0d70 = $0D70
!v_0dd0 = $0DD0
!v_0de0 = $0DE0
!v_0e00 = $0E00
!v_0e20 = $0E20
!v_0e90 = $0E90
!v_0ef0 = $0EF0
!v_0f00 = $0F00
!v_0f01 = $0F01
!v_0f02 = $0F02
!v_0f20 = $0F20
!v_0f50 = $0F50
!v_0f60 = $0F60
!v_0f80 = $0F80
!v_0fa1 = $0FA1
!v_10 = $10
!v_13 = $13
!v_1a = $1A
!v_20 = $20
!v_22 = $22
!v_2f = $2F
!v_7ef000 = $7EF000
!v_7ef359 = $7EF359
!v_7ef360 = $7EF360
!v_7ef36c = $7EF36C
!v_7ef36d = $7EF36D
!v_7ef36f = $7EF36F
!v_7f0000 = $7F0000
!v_7f2000 = $7F2000
!v_a0 = $A0
!v_b7 = $B7
!v_b9 = $B9
!v_counter = $7FF0057
!v_debug = $7FF0058
!v_e2 = $E2
!v_f4 = $F4
!v_f6 = $F6

org $328000

send_objects:
 inc !v_counter
 stz $2102
 stz $2103
 lda #$07
 sta $4311
 stz $4310
 ldx #$0800
 stx $4312
 stz $4314
 ldx #$0220
 stx $4315
 lda #$02
 sta $420B
 rts

own_weather:
 lda $1A
 lsr a
 bcc .even
 ldx #$3E
.drop
 dec $1C00,x
 dec $1C00,x
 lda $1C00,x
 cmp #$F0
 bne .on
 jsr dice
 sta $1C40,x
.on
 dex
 dex
 bpl .drop
.even
 rts

unpack:
 lda [!v_00],y
 iny
 cmp #$FF
 beq .l_end
 sta !v_02
 and #$E0
 cmp #$20
 beq .l_fill
 lda !v_02
 and #$1F
 nop
 sta !v_03
.l_copy
 lda [!v_00],y
 iny
 sta !v_7f0000,x
 inx
 dec !v_03
 bpl .l_copy
 bra unpack
.l_fill
 lda !v_02
 and #$1F
 sta !v_03
 lda [!v_00],y
 iny
.l_repeat
 sta !v_7f0000,x
 inx
 dec !v_03
 bpl .l_repeat
 bra unpack
.l_end
 rtl

blink:
 lda !v_0ef0,x
 beq .l_normal
 dec !v_0ef0,x
 and #$0E
 ora !v_0f50,x
 sta !v_02
 bra .l_store
.l_normal
 lda !v_0f50,x
 nop
 sta !v_debug
 sta !v_02
.l_store
 rtl

own_text_speed:
 phx
 lda $7F0520
 and #$03
 tax
 lda SpeedTable,x
 sta $7F0521
 plx
 rts

dice:
 inc !v_counter
 lda !v_0fa1
 asl a
 asl a
 clc
 adc !v_0fa1
 adc #$14
 eor !v_1a
 sta !v_0fa1
 rtl

dim:
 sta !v_debug
 lda !v_13
 beq .l_dark
 and #$0F
 beq .l_blank
 dec !v_13
 clc
 rts
.l_blank
 nop
 lda #$80
 sta !v_13
.l_dark
 sec
 rts

send_colours:
 lda #$00
 sta $2121
 lda #$22
 sta $4301
 stz $4300
 ldx #$C500
 stx $4302
 lda #$7E
 sta $4304
 nop
 ldx #$0200
 stx $4305
 sta !v_debug
 lda #$01
 sta $420B
 rts

ground_at:
 rep #$30
 lda !v_00
 lsr a
 lsr a
 lsr a
 and #$003F
 nop
 sta !v_04
 lda !v_02
 and #$01F8
 asl a
 asl a
 asl a
 ora !v_04
 tax
 sep #$20
 lda !v_7f2000,x
 sep #$10
 rts

look_at_hero:
 lda !v_22
 sec
 sbc !v_0d10,x
 sta !v_00
 bpl .l_right
 ldy #$01
 eor #$FF
 inc a
 bra .l_vertical
.l_right
 ldy #$00
.l_vertical
 sta !v_01
 lda !v_20
 sec
 sbc !v_0d00,x
 bpl .l_down
 eor #$FF
 inc a
.l_down
 cmp !v_01
 bcc .l_done
 iny
 iny
.l_done
 tya
 sta !v_0de0,x
 rts

own_bit_reverse:
 ldy #$08
.bit
 lsr $10
 rol $11
 dey
 bne .bit
 lda $11
 rts

own_window:
 ldx #$00
 ldy $30
.row
 tya
 sec
 sbc $32
 sta $1B00,x
 tya
 clc
 adc $32
 sta $1B01,x
 inx
 inx
 cpx #$E0
 bcc .row
 lda #$33
 sta $2123
 rts

pay:
 rep #$20
 lda !v_7ef360
 cmp !v_00
 bcc .l_poor
 sec
 sbc !v_00
 sta !v_7ef360
 sep #$20
 clc
 rtl
.l_poor
 sep #$20
 lda #$3C
 sta !v_012e
 sec
 rtl

own_clock:
 sed
 lda $7F0500
 clc
 adc #$01
 sta $7F0500
 cmp #$60
 bne .done
 lda #$00
 sta $7F0500
 lda $7F0501
 adc #$00
 sta $7F0501
.done
 cld
 rts

write_file:
 phb
 lda #$70
 pha
 plb
 rep #$30
 ldy #$0000
 tyx
 stz !v_04
.l_copy
 lda !v_7ef000,x
 sta !v_0000,y
 clc
 adc !v_04
 sta !v_04
 inx
 inx
 nop
 sta !v_debug
 iny
 iny
 cpx #$04FE
 bne .l_copy
 lda #$5A5A
 sec
 sbc !v_04
 sta !v_0000,y
 sep #$30
 plb
 rts

wound:
 lda !v_031f
 bne .l_safe
 lda !v_7ef36d
 sec
 sbc !v_00
 bcs .l_alive
.l_alive
 sta !v_7ef36d
 bne .l_blink
 lda #$12
 sta !v_10
.l_blink
 lda #$3A
 sta !v_031f
.l_safe
 rtl

own_ring_buffer:
 ldx $7F0560
 sta $7F0600,x
 inx
 txa
 and #$3F
 sta $7F0560
 cmp $7F0561
 bne .room
 inc $7F0561
.room
 rts

to_decimal:
 ldy #$00
.l_hundreds
 cmp #$64
 bcc .l_tens
 sbc #$64
 iny
 bra .l_hundreds
.l_tens
 sty !v_0f00
 ldy #$00
.l_more
 cmp #$0A
 bcc .l_ones
 sbc #$0A
 iny
 bra .l_more
.l_ones
 sty !v_0f01
 sta !v_0f02
 rtl

send_map:
 lda #$80
 sta !v_debug
 sta $2115
 ldx #$6000
 stx $2116
 ldx #$1801
 stx $4300
 ldx #$1000
 nop
 stx $4302
 lda #$7F
 sta $4304
 ldx #$0800
 stx $4305
 lda #$01
 sta $420B
 rtl

make_enemy:
 jsr get_slot
 bcs .l_full
 lda !v_00
 sta !v_0e20,x
 lda #$0B
 sta !v_0dd0,x
 lda !v_01
 sta !v_0d10,x
 lda !v_02
 sta !v_0d30,x
 lda !v_03
 inc !v_counter
 sta !v_0d00,x
 lda !v_04
 sta !v_0d20,x
 stz !v_0f20,x
.l_full
 rts

enter_chamber:
 rep #$30
 lda !v_a0
 asl a
 clc
 adc !v_a0
 tax
 lda chambers,x
 sta !v_b7
 sep #$20
 lda chambers+2,x
 sta !v_b9
 ldy #$0000
 sta !v_0414
 sep #$30
 rts

order:
 ldx #$0E
.l_outer
 lda !v_0d00,x
 cmp !v_0d01,x
 bcc .l_fine
 lda !v_0d01,x
 sta !v_0d00,x
 pla
 sta !v_0d01,x
.l_fine
 dex
 bpl .l_outer
 rts

shoot:
 lda !v_7ef359
 cmp #$02
 bcc .l_none
 lda !v_7ef36c
 cmp !v_7ef36d
 bne .l_none
 ldy #$04
.l_seek
 lda !v_0c4a,y
 beq .l_here
 dey
 bpl .l_seek
.l_none
 rts
.l_here
 lda #$0C
 sta !v_0c4a,y
 lda !v_2f
 lsr a
 sta !v_0c72,y
 rts

wipe_enemy:
 stz !v_0dd0,x
 stz !v_0d50,x
 stz !v_0d40,x
 stz !v_0f80,x
 inc !v_counter
 lda #$02
 sta !v_0bc0,x
 stz !v_0e90,x
 stz !v_0ef0,x
 rts

earn:
 rep #$20
 lda !v_7ef360
 clc
 adc !v_00
 cmp #$03E7
 bcc .l_fits
 lda #$03E7
.l_fits
 nop
 sta !v_7ef360
 sep #$20
 rtl

enemy_step_sideways:
 lda !v_0d50,x
 asl a
 asl a
 asl a
 asl a
 clc
 nop
 adc !v_0d70,x
 sta !v_0d70,x
 ldy #$00
 lda !v_0d50,x
 php
 lsr a
 lsr a
 lsr a
 lsr a
 plp
 bpl .l_positive
 ora #$F0
 dey
.l_positive
 adc !v_0d10,x
 sta !v_0d10,x
 tya
 adc !v_0d30,x
 sta !v_0d30,x
 rts

box_of:
 lda !v_0f60,x
 and #$1F
 nop
 tay
 lda !v_0d10,x
 clc
 adc bx,y
 sta !v_04
 lda bw,y
 sta !v_06
 lda !v_0d00,x
 clc
 adc by,y
 sta !v_05
 lda bh,y
 sta !v_07
 rts

sync:
 lda $4212
 bmi sync
.l_begin
 sta !v_debug
 nop
 lda $4212
 bpl .l_begin
 rts

unlock:
 lda !v_7ef36f
 beq .l_locked
 dec a
 sta !v_7ef36f
 lda !v_068c
 ora !v_00
 sta !v_068c
 inc !v_counter
 lda #$15
 sta !v_012f
 sec
 rtl
.l_locked
 lda #$07
 jsr say
 clc
 rtl

own_menu_cursor:
 lda $F4
 bit #$08
 beq .not_up
 dec $7F0510
 bpl .draw
 lda #$03
 sta $7F0510
.not_up
 bit #$04
 beq .draw
 inc $7F0510
.draw
 lda $7F0510
 xba
 lda #$10
 sta $0802
 rts

get_slot:
 ldx #$0F
.l_next
 lda !v_0dd0,x
 beq .l_found
 nop
 dex
 bpl .l_next
 sec
 rts
.l_found
 clc
 rts

own_checksum:
 rep #$30
 lda #$0000
 ldx #$07FE
.sum
 eor $0800,x
 rol a
 dex
 dex
 bpl .sum
 sta $7F0550
 sep #$30
 rts

poll_buttons:
 lda $4212
 and #$04
 bne poll_buttons
 lda $4218
 inc !v_counter
 sta !v_00
 lda $4219
 sta !v_01
 lda !v_00
 tay
 eor !v_f6
 and !v_00
 sta !v_f4
 sty !v_f6
 rts

cure:
 lda !v_7ef36d
 clc
 adc !v_00
 bcc .l_fits
 lda !v_7ef36c
.l_fits
 sta !v_7ef36d
 lda #$0D
 sta !v_012f
 rts

follow:
 rep #$20
 lda !v_22
 sec
 sbc #$0080
 bpl .l_positive
 lda #$0000
.l_positive
 cmp !v_0606
 bcc .l_inside
 lda !v_0606
.l_inside
 sta !v_e2
 sep #$20
 rts

own_string_length:
 ldy #$FFFF
.more
 iny
 lda ($10),y
 bne .more
 tya
 sta $7F0540
 rts

quotient:
 rep #$20
 lda !v_00
 sta $4204
 sep #$20
 lda !v_02
 sta $4206
 nop
 nop
 nop
 nop
 nop
 nop
 nop
 nop
 ldx $4214
 ldy $4216
 rts

overlap:
 lda !v_00
 sec
 clc
 adc !v_02
 cmp !v_06
 bcs .l_apart
 lda !v_01
 sec
 sbc !v_05
 clc
 adc !v_03
 cmp !v_07
 bcs .l_apart
 sec
 rtl
.l_apart
 clc
 rtl

own_mode7:
 lda $7F0530
 sta $211B
 lda $7F0531
 sta $211B
 stz $211C
 stz $211C
 lda $7F0532
 sta $211F
 lda $7F0533
 sta $211F
 rts

countdown:
 lda !v_0e00,x
 beq .l_over
 dec !v_0e00,x
 bne .l_running
 lda #$20
 sta !v_012e
.l_running
 rts
.l_over
 sec
 rts

bx:
 db 1
bw:
 db 2
by:
 db 3
bh:
 db 4

chambers:
 dl $0A8000
