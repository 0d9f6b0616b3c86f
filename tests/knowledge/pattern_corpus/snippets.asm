; Snippets for the tests of patterns. A line with `;=` begins one and names what is in it, all of it; `-` names nothing.

;= add_16bit_bytes
 lda $22
 clc
 adc #$10
 sta $22
 lda $23
 adc #$00
 sta $23
 rts

;= add_16bit_bytes
 clc
 lda Table,y
 adc $0D10,x
 sta $0D10,x
 lda Table+1,y
 adc $0D30,x
 sta $0D30,x
 rts

;= add_16bit_bytes
 lda $0D10,x
 clc
 adc $00
 sta $0D10,x
 bcc .no_carry
 inc $0D30,x
.no_carry
 rts

;= add_16bit_bytes
 txa
 clc
 adc $10
 tax
 lda #$00
 adc $11
 sta $13
 stx $12
 rts

;= -
 clc
 lda $10
 adc $12
 sta $10
 clc
 lda $11
 adc $13
 sta $11
 rts

;= -
 clc
 lda $10
 adc $12
 sta $10
 lda $11
 cmp #$05
 adc $13
 sta $11
 rts

;= -
 clc
 lda $10
 adc $12
 sta $10
.entry
 lda $11
 adc $13
 sta $11
 rts

;= -
 clc
 lda $10
 adc $12
 sta $10
 jsr Other
 lda $11
 adc $13
 sta $11
 rts

;= add_16bit_wide width_switch
 rep #$20
 clc
 lda $22
 adc #$0100
 sta $22
 sep #$20
 rts

;= add_16bit_wide width_switch
 rep #$21
 lda $22
 adc $24
 sta $22
 sep #$20
 rts

;= add_16bit_wide width_switch
 rep #$30
 lda Table,x
 clc
 adc $00
 tax
 sep #$30
 rts

;= -
 sep #$20
 clc
 lda $22
 adc #$10
 sta $22
 rts

;= add_32bit width_switch
 rep #$20
 lda $10
 clc
 adc $20
 sta $10
 lda $12
 adc $22
 sta $12
 sep #$20
 rts

;= subtract_16bit_bytes
 lda $10
 sec
 sbc #$20
 sta $10
 lda $11
 sbc #$01
 sta $11
 rts

;= subtract_16bit_bytes
 lda $10
 sec
 sbc $0D10,x
 sta $00
 bcs .same
 dec $01
.same
 rts

;= -
 sec
 lda $10
 sbc $12
 sta $10
 sec
 lda $11
 sbc $13
 sta $11
 rts

;= subtract_16bit_wide
 php
 sep #$10
 rep #$20
 lda $22
 sec
 sbc $24
 sta $26
 rts

;= -
 lda $22
 sec
 sbc $24
 sta $26
 rts

;= compare_16bit_bytes
 lda $10
 cmp $20
 lda $11
 sbc $21
 bcs .beyond
 inc $30
.beyond
 rts

;= compare_16bit_bytes
 lda $11
 cmp $21
 bne .decided
 lda $10
 cmp $20
.decided
 bcc .less
 inc $30
.less
 rts

;= -
 lda $10
 cmp $20
 bcs .beyond
 lda $11
 sbc $21
 sta $12
.beyond
 rts

;= compare_16bit_wide width_switch
 rep #$20
 lda $22
 cmp $0600
 sep #$20
 bcs .beyond
 inc $30
.beyond
 rts

;= compare_16bit_wide width_switch
 rep #$10
 cpx #$0800
 bne .other
 inc $30
.other
 sep #$10
 rts

;= -
 lda $22
 cmp #$80
 bcs .beyond
 inc $30
.beyond
 rts

;= step_16bit_bytes
 inc $10
 bne .done
 inc $11
.done
 rts

;= step_16bit_bytes
 lda $10
 bne .low
 dec $11
.low
 dec $10
 rts

;= -
 inc $10
 beq .done
 inc $11
.done
 rts

;= negate add_one
 lda $28
 eor #$FF
 clc
 adc #$01
 sta $28
 rts

;= negate
 rep #$20
 lda $28
 eor #$FFFF
 inc a
 sta $28
 rts

;= toggle_bits
 lda $28
 eor #$FF
 sta $28
 rts

;= -
 lda $28
 eor #$0F
 inc a
 sta $28
 rts

;= absolute_value negate
 lda $0D50,x
 bpl .positive
 eor #$FF
 inc a
.positive
 sta $00
 rts

;= negate
 lda $0D50,x
 bpl .elsewhere
 eor #$FF
 inc a
 sta $00
.elsewhere
 rts

;= sign_extend
 ldy #$00
 lda $0D50,x
 bpl .positive
 dey
.positive
 sty $01
 rts

;= sign_extend compare_16bit_wide
 rep #$20
 lda $28
 and #$00FF
 cmp #$0080
 bcc .positive
 ora #$FF00
.positive
 sta $2A
 rts

;= multiply_by_shifts
 lda $A0
 asl a
 sta $00
 asl a
 asl a
 adc $00
 sta $02
 rts

;= multiply_by_shifts
 lda $A0
 sta $00
 asl a
 clc
 adc $00
 sta $02
 rts

;= -
 lda $A0
 sta $00
 asl a
 clc
 adc $02
 sta $02
 rts

;= shift_run
 lda $10
 lsr a
 lsr a
 lsr a
 lsr a
 sta $10
 rts

;= -
 lda $10
 lsr a
 lsr a
 sta $10
 rts

;= multiply_hardware join_bytes
 sty $4202
 sta $4203
 nop
 nop
 nop
 lda $4217
 xba
 lda $4216
 rts

;= multiply_hardware
 ldx $10
 stx $4202
 nop
 nop
 nop
 nop
 ldx $4216
 rts

;= divide_hardware
 sta $4204
 stz $4205
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
 sta $00
 lda $4216
 sta $01
 rts

;= -
 lda $4216
 sta $00
 rts

;= -
 lda $10
 sta $4202
 lda $11
 sta $4203
 rts

;= multiply_read_early multiply_hardware
 lda $10
 sta $4202
 lda $11
 sta $4203
 lda $4216
 sta $12
 rts

;= multiply_ppu width_switch
 rep #$20
 lda $10
 sep #$20
 sta $211B
 xba
 sta $211B
 lda $12
 sta $211C
 rep #$20
 lda $2134
 sta $14
 rts

;= clamp
 lda $10
 cmp #$A0
 bcc .fits
 lda #$A0
.fits
 sta $10
 rts

;= clamp
 lda $7EF36D
 cmp $7EF36C
 bcc .fits
 lda $7EF36C
.fits
 sta $7EF36D
 rts

;= -
 lda $10
 cmp #$A0
 bcc .fits
 lda #$50
.fits
 sta $10
 rts

;= bit_test
 lda $0372
 and #$40
 bne .dash
 inc $30
.dash
 rts

;= bit_test
 bit $F2
 bvc .not_held
 inc $30
.not_held
 rts

;= bit_test
 lda #$10
 bit $F0
 beq .not_held
 inc $30
.not_held
 rts

;= -
 lda $0372
 and #$40
 sta $00
 bne .dash
 inc $30
.dash
 rts

;= set_bits
 lda $0F50,x
 ora #$40
 sta $0F50,x
 rts

;= set_bits
 lda #$80
 tsb $02E4
 rts

;= -
 lda $0F50,x
 ora #$40
 sta $0F51,x
 rts

;= clear_bits
 lda $0F50,x
 and #$BF
 sta $0F50,x
 rts

;= clear_bits
 lda #$80
 trb $02E4
 rts

;= toggle_bits
 lda $0B
 eor #$01
 sta $0B
 rts

;= -
 lda $0B
 eor #$01
 sta $0C
 rts

;= join_bytes
 lda $01
 xba
 lda $00
 tcd
 rts

;= -
 xba
 sta $00
 rts

;= word_table
 lda $0E20,x
 asl a
 tay
 lda Pointers,y
 sta $00
 lda Pointers+1,y
 sta $01
 rts

;= word_table width_switch add_16bit_wide multiply_by_shifts
 rep #$30
 lda $A0
 asl a
 clc
 adc $A0
 tax
 lda Rooms,x
 sta $B7
 sep #$30
 rts

;= -
 lda $10
 asl a
 tax
 lda Table,y
 sta $00
 rts

;= -
 lda $10
 tax
 lda Table,x
 sta $00
 rts

;= jump_table
 txa
 asl a
 tax
 jsr (Handlers,x)
 rts

;= jump_pointer
 jml [$0003]

;= jump_table_rts word_table
 lda $B0
 asl a
 tax
 lda Handlers+1,x
 pha
 lda Handlers,x
 pha
 rts

;= registers_saved
 lda $B0
 pha
 jsr Other
 pla
 sta $B0
 rts

;= inline_jump_table
 lda $11
 jsl JumpTableLocal
 dw Module_Start
 dw Module_Run
 dw Module_End

;= -
 lda $11
 jsl UseTable
 rts

;= count_down_loop
 ldx #$0F
.next
 lda $0DD0,x
 beq .skip
 jsr Other
.skip
 dex
 bpl .next
 rts

;= count_down_loop
 ldy #$1C
.next
 lda ($10),y
 sta $0800
 lda $12
 sta $0801
 dey
 dey
 bpl .next
 rts

;= jump_to_next
 ldx #$0F
.next
 lda $0DD0,x
 sta $00
 dex
 bpl .other
.other
 rts

;= count_up_loop
 ldx #$00
.next
 jsr Other
 inx
 inx
 cpx #$20
 bne .next
 rts

;= branch_over_jump
 ldx #$00
.next
 jsr Other
 inx
 cpx #$20
 bne .out
 bra .next
.out
 rts

;= clear_loop count_down_loop
 ldx #$0E
.clear
 stz $0500,x
 stz $0510,x
 dex
 bpl .clear
 rts

;= clear_loop count_up_loop
 ldx #$00
 lda #$FF
.fill
 sta $0900,x
 inx
 cpx #$80
 bcc .fill
 rts

;= clear_loop
 ldx #$40
.fill
 dex
 sta $7F0000,x
 bne .fill
 rts

;= copy_loop count_down_loop
 ldy #$07
.copy
 lda Palette,y
 sta $0A00,y
 dey
 bpl .copy
 rts

;= copy_loop
 ldy #$00
.copy
 lda ($00),y
 sta ($02),y
 iny
 bne .copy
 rts

;= count_down_loop
 ldy #$07
.sum
 lda Palette,y
 clc
 adc $00
 sta $00
 dey
 bpl .sum
 rts

;= block_move
 rep #$30
 ldx.w #Source
 ldy #$0800
 lda #$001F
 mvn $7E,$02
 rts

;= pointer_setup
 lda #Tiles
 sta $00
 lda #Tiles>>8
 sta $01
 lda #Tiles>>16
 sta $02
 rts

;= pointer_setup
 lda.b #bank(Tiles)
 sta $02
 ldx.w #Tiles
 stx $00
 rts

;= pointer_setup zero_by_a
 lda #$00
 sta $00
 lda #$A0
 sta $01
 lda ($00),y
 sta $02
 rts

;= -
 lda #$34
 sta $10
 lda #$12
 sta $11
 rts

;= -
 lda #First
 sta $00
 lda #Second>>8
 sta $01
 rts

;= width_saved
 php
 sep #$30
 lda $10
 sta $12
 plp
 rtl

;= -
 php
 lda $10
 sta $12
 plp
 rts

;= width_switch
 lda $10
 rep #$30
 lda $A0
 sta $A2
 sep #$30
 rts

;= width_switch
 sep #$20
 lda $10
 beq .none
 inc $12
.none
 rep #$20
 rts

;= -
 rep #$20
 lda $10
 sta $12
 rts

;= registers_saved
 phx
 phy
 jsr Other
 ply
 plx
 rts

;= registers_saved
 pha
 lda $12
 sta $14
 pla
 rts

;= -
 phx
 ply
 rts

;= tail_call
 pha
 jsr Other
 rts

;= data_bank_set
 phb
 phk
 plb
 lda Table,x
 sta $10
 plb
 rts

;= data_bank_chosen
 phb
 lda #$7F
 pha
 plb
 stz $0000
 plb
 rts

;= -
 phb
 lda Table,x
 sta $10
 plb
 rts

;= long_wrapper data_bank_set
Far_Entry:
 phb
 phk
 plb
 jsr Near
 plb
 rtl

;= long_wrapper
Far_Entry:
 jsr Near
 rtl

;= -
 lda $10
 jsr Near
 rtl

;= stack_frame direct_page_set subtract_16bit_wide
 phd
 lda #$0000
 tcd
 tsc
 sec
 sbc #$0008
 tcs
 rts

;= stack_frame
 tsc
 phd
 tcd
 lda $04
 sta $06
 rts

;= direct_page_set
 phd
 pea $4300
 pld
 stz $00
 pld
 rts

;= native_mode
 sei
 clc
 xce
 rep #$38
 rts

;= -
 sec
 xce
 rts

;= random_number
 jsl GetRandomInt
 and #$07
 tay
 rts

;= -
 jsl DrawStrand
 and #$07
 tay
 rts

;= compare_chain
 lda $11
 cmp #$01
 beq .first
 cmp #$04
 beq .second
 inc $30
.first
 inc $31
.second
 rts

;= -
 lda $11
 cmp #$01
 beq .first
 lda $12
 cmp #$04
 beq .second
 inc $30
.first
 inc $31
.second
 rts

;= count_down_timer
 lda $0DF0,x
 beq .over
 dec $0DF0,x
.over
 rts

;= -
 lda $0DF0,x
 beq .over
 dec $0E00,x
.over
 rts

;= dma_setup
 ldx #$1801
 stx $4320
 ldx.w #Tiles
 stx $4322
 lda.b #bank(Tiles)
 sta $4324
 ldx #$2000
 stx $4325
 lda #$04
 sta $420B
 rts

;= dma_setup width_switch
 rep #$20
 lda #$2200
 sta $4310
 lda #$C500
 sta $4312
 lda #$0200
 sta $4315
 sep #$20
 lda #$7E
 sta $4314
 lda #$02
 sta $420B
 rts

;= -
 lda #$01
 sta $420B
 rts

;= dma_setup dma_without_bank
 lda #$01
 sta $4300
 lda #$18
 sta $4301
 ldx #$8000
 stx $4302
 ldx #$0400
 stx $4305
 lda #$02
 sta $420B
 rts

;= hdma_setup write_only_read
 ldx #$2601
 stx $4360
 ldx.w #WindowTable
 stx $4362
 lda.b #bank(WindowTable)
 sta $4364
 lda #$40
 tsb $420C
 rts

;= -
 lda $9B
 sta $420C
 rts

;= vram_write
 lda #$80
 sta $2115
 rep #$20
 lda #$5000
 sta $2116
 lda #$1234
 sta $2118
 rts

;= vram_write compare_16bit_wide count_up_loop
 lda #$80
 sta $2115
 ldx #$5000
 stx $2116
 ldx #$0000
.copy
 lda Map,x
 sta $2118
 lda Map+1,x
 sta $2119
 inx
 inx
 cpx #$0800
 bne .copy
 rts

;= -
 lda #$12
 sta $2118
 rts

;= palette_write
 lda #$10
 sta $2121
 lda Colour
 sta $2122
 lda Colour+1
 sta $2122
 rts

;= oam_write
 ldx #$0000
 stx $2102
 lda $10
 sta $2104
 rts

;= wram_port
 stz $2181
 lda #$20
 sta $2182
 stz $2183
 lda $2180
 sta $10
 rts

;= forced_blank
 lda #$80
 sta $2100
 stz $4200
 rts

;= picture_on
 lda #$0F
 sta $2100
 rts

;= -
 lda $13
 sta $2100
 rts

;= vblank_wait bit_test
.wait
 bit $4212
 bpl .wait
 rts

;= vblank_wait bit_test
.wait
 lda $4212
 and #$80
 beq .wait
 rts

;= -
 lda $4212
 bpl .elsewhere
 inc $30
.elsewhere
 rts

;= frame_wait
.wait
 lda $12
 beq .wait
 stz $12
 rts

;= frame_wait
 wai
 rts

;= -
 lda $12
 beq .elsewhere
 stz $12
.elsewhere
 rts

;= joypad_wait bit_test
.wait
 lda $4212
 and #$01
 bne .wait
 rts

;= joypad_wait
- lda $4212
 lsr a
 bcs -
 rts

;= joypad_read
 ldx $4218
 stx $F0
 rts

;= pressed_edge
 lda $00
 tay
 eor $F6
 and $00
 sta $F4
 sty $F6
 rts

;= -
 lda $00
 eor $02
 and #$0F
 sta $04
 rts

;= interrupt_acknowledged registers_saved
 pha
 lda $4210
 pla
 rti

;= apu_handshake
 sta $2141
- cmp $2141
 bne -
 rts

;= -
 lda $2140
 sta $10
 rts

;= zero_by_a
 lda #$00
 sta $10
 sta $12
 rts

;= zero_by_a
 lda #$00
 sta $0D40,x
 lda $10
 rts

;= -
 lda #$00
 sta $10
 tax
 rts

;= -
 lda #$00
 sta $7EF36D
 rts

;= -
 lda #$00
 sta $10
 beq .always
 inc $30
.always
 rts

;= -
 lda #$00
 sta ($10),y
 rts

;= add_one
 lda $10
 clc
 adc #$01
 sta $10
 rts

;= add_one
 tya
 sec
 sbc #$01
 tay
 rts

;= -
 lda $10
 clc
 adc #$01
 bcs .wrapped
 sta $10
.wrapped
 rts

;= -
 lda $10
 clc
 adc #$02
 sta $10
 rts

;= tail_call
 lda $10
 jsr Other
 rts

;= tail_call
 lda $10
 jsl Other
 rtl

;= -
 jsr Other
.done
 rts

;= -
 lda $10
 jsl Other
 rts

;= jump_table
 jsr (Table,x)
 rts

;= width_repeated
 sep #$30
 lda $10
 sta $12
 sep #$20
 rts

;= -
 sep #$20
 lda $10
 sta $12
 sep #$30
 rts

;= width_in_two_steps
 sep #$20
 sep #$10
 rts

;= -
 rep #$20
 sep #$10
 rts

;= width_undone
 rep #$20
 sep #$20
 rts

;= -
 sep #$10
 rep #$10
 rts

;= compare_with_zero
 lda $10
 cmp #$00
 bne .some
 inc $30
.some
 rts

;= compare_with_zero
 ldx $10
.next
 inc $0800,x
 dex
 cpx #$00
 bne .next
 rts

;= -
 lda $10
 cmp #$00
 bcs .always
 inc $30
.always
 rts

;= -
 lda $10
 sta $12
 ldx #$04
 cmp #$00
 beq .none
 inc $30
.none
 rts

;= push_pull
 lda $10
 pha
 pla
 sta $12
 rts

;= -
 sta $4203
 pha
 pla
 nop
 rts

;= load_after_store
 lda $10
 sta $12
 lda $12
 asl a
 sta $14
 rts

;= -
 sta $2100
 lda $2134
 sta $14
 rts

;= -
 sta $12
 lda $12
 beq .none
 inc $30
.none
 rts

;= -
 sta $12,x
 lda $12
 sta $14
 rts

;= store_after_load
 lda $10
 sta $10
 rts

;= interrupt_acknowledged read_only_write
 lda $4210
 sta $4210
 rts

;= branch_over_jump
.again
 dec $10
 beq .done
 jmp .again
.done
 rts

;= branch_over_jump
.again
 dec $10
 beq .done
 bra .again
.done
 rts

;= long_branch
 lda $10
 beq .here
 jmp Elsewhere
.here
 rts

;= unreachable
 lda $10
 beq .here
 jmp Elsewhere
 nop
.here
 rts

;= jump_to_next
 bra .next
.next
 rts

;= -
 bra .next
 db $00
.next
 rts

;= write_only_read
 lda $2100
 and #$0F
 sta $13
 rts

;= write_only_read
 inc $2106
 rts

;= read_only_write
 stz $4212
 rts

;= -
 lda $2137
 lda $213D
 rts

;= flag_set_twice
 sec
 clc
 adc $10
 sta $10
 rts

;= transfer_back
 lda $10
 tax
 txa
 sta $12
 rts

;= -
 tax
 lda $10
 txa
 rts

;= load_overwritten
 ldx $10
 ldx $12
 stx $14
 rts

;= interrupt_acknowledged
 lda $4210
 lda $10
 sta $12
 rts

;= no_effect
 lda $10
 ora #$00
 sta $12
 rts

;= -
 lda $10
 ora #$01
 sta $12
 rts

;= -
 rep #$20
 lda $10
 and #$00FF
 sta $12
 rts

;= same_value_loaded
 lda #$03
 sta $10
 lda #$03
 sta $12
 rts

;= -
 lda #$03
 sta $10
 lda #$04
 sta $12
 rts

;= eight_shifts shift_run
 rep #$20
 asl a
 asl a
 asl a
 asl a
 asl a
 asl a
 asl a
 asl a
 sta $10
 rts

;= unreachable
 jmp Other
 lda $10
 rts

;= -
 jmp Other
.here
 lda $10
 rts

;= -
 jsl Other
 lda $10
 rts

;= -
 lda #$03
 if !flag
 sta $10
 endif
 lda #$03
 sta $12
 rts

;= -
 sta $10
 %Wait()
 lda $10
 sta $12
 rts

;= -
 clc
 %Carry()
 adc #$01
 sta $12
 rts

;= -
 jsr Other
 if !debug
 rts
 endif
 lda $10
 rts

;= dma_setup zero_by_a
 lda.b #$01 : sta.w $4300
 lda.b #$18 : sta.w $4301
 lda.b #$00 : sta.w $4302
 lda.b #$80 : sta.w $4303
 lda.b #$7E : sta.w $4304
 stz.w $4305
 lda.b #$08 : sta.w $4306
 lda.b #$01 : sta.w $420B
 rts
