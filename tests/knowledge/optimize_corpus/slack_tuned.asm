; Routines as people write them, with slack; the optimiser was tuned while looking at these.
; A line `;; name | key=value ...` opens one: its contract. Without `out` every register and flag is dead at the end.

;; add_to_score | note=16-bit score kept in two bytes
    LDA $0120
    CLC
    ADC $0124
    STA $0120
    LDA $0121
    ADC $0125
    STA $0121
    LDA $0120
    STA $0130
    LDA $0121
    STA $0131
    RTS

;; step_animation | note=timer and frame
    LDA $0040
    INC A
    STA $0040
    LDA $0040
    CMP #$08
    BNE done
    LDA #$00
    STA $0040
    LDA $0041
    CLC
    ADC #$01
    STA $0041
    LDA $0041
    AND #$03
    STA $0041
done:
    RTS

;; clear_sprite_slot | note=X is the slot
    LDA #$00
    STA $0D10,x
    LDA #$00
    STA $0D30,x
    LDA #$00
    STA $0D50,x
    STA $0D70,x
    LDA #$FF
    STA $0D90,x
    RTS

;; clamp_health
    LDA $7EF36D
    CLC
    ADC $7EF372
    STA $7EF36D
    LDA $7EF36C
    CMP $7EF36D
    BCS fine
    LDA $7EF36C
    STA $7EF36D
fine:
    LDA #$00
    STA $7EF372
    RTS

;; table_word_lookup | inputs=$7E0010:0:2
    LDA $0010
    AND #$FF
    ASL A
    TAX
    REP #$20
    LDA.l table,x
    STA $0020
    SEP #$20
    RTS
table:
    dw $1234, $5678, $9ABC

;; pack_flags
    STZ $20
    LDA $10
    CMP #$00
    BEQ first
    LDA $20
    ORA #$01
    STA $20
first:
    LDA $11
    CMP #$00
    BEQ second
    LDA $20
    ORA #$02
    STA $20
second:
    RTS

;; copy_position | note=sprite position to the draw buffer
    PHA
    LDA $0022
    STA $0062
    LDA $0023
    STA $0063
    LDA $0020
    STA $0060
    LDA $0021
    STA $0061
    PLA
    RTS

;; joypad_edges | m=1
    REP #$20
    LDA $00F0
    STA $00F2
    LDA $00F4
    STA $00F0
    LDA $00F0
    EOR $00F2
    AND $00F0
    STA $00F6
    SEP #$20
    RTS

;; copy_sixteen
    LDX #$00
copy:
    LDA $0300,x
    STA $0340,x
    INX
    CPX #$10
    BNE copy
    RTS

;; clear_buffer
    LDX #$00
fill:
    LDA #$00
    STA $0800,x
    INX
    CPX #$20
    BNE fill
    RTS

;; multiply_by_ten
    LDA $10
    ASL A
    STA $12
    LDA $10
    ASL A
    ASL A
    ASL A
    CLC
    ADC $12
    STA $12
    RTS

;; absolute_difference
    LDA $10
    CMP $11
    BCC other
    LDA $10
    SEC
    SBC $11
    STA $12
    JMP done
other:
    LDA $11
    SEC
    SBC $10
    STA $12
    JMP done
done:
    RTS

;; move_by_speed | m=0 x=0
    LDA $0010
    CLC
    ADC $0014
    STA $0010
    LDA $0012
    CLC
    ADC $0016
    STA $0012
    LDA $0010
    AND #$01FF
    STA $0010
    LDA $0012
    AND #$01FF
    STA $0012
    RTS

;; set_palette_colour | note=hardware
    LDA #$00
    STA $002121
    LDA $10
    STA $002122
    LDA $11
    STA $002122
    LDA $10
    STA $0200
    LDA $11
    STA $0201
    RTS

;; find_free_slot
    LDX #$0F
search:
    LDA $0DD0,x
    CMP #$00
    BEQ found
    DEX
    CPX #$FF
    BNE search
    LDA #$FF
    STA $0F
    JMP out
found:
    TXA
    STA $0F
    JMP out
out:
    RTS

;; save_and_call
    PHA
    PHX
    PHY
    JSR double
    PLY
    PLX
    PLA
    RTS
double:
    LDA $50
    CLC
    ADC $50
    STA $50
    RTS

;; sum_of_table
    LDA #$00
    STA $30
    LDX #$00
next:
    LDA $0400,x
    CLC
    ADC $30
    STA $30
    INX
    CPX #$08
    BNE next
    RTS

;; swap_words | m=1
    LDA $10
    STA $14
    LDA $11
    STA $15
    LDA $12
    STA $10
    LDA $13
    STA $11
    LDA $14
    STA $12
    LDA $15
    STA $13
    RTS

;; is_in_range
    LDA $10
    CMP #$20
    BCS above
    BRA no
above:
    LDA $10
    CMP #$60
    BCC yes
    BRA no
yes:
    LDA #$01
    STA $11
    BRA done
no:
    LDA #$00
    STA $11
done:
    RTS

;; negate_word | m=1
    REP #$20
    LDA $10
    EOR #$FFFF
    STA $10
    SEP #$20
    REP #$20
    LDA $10
    CLC
    ADC #$0001
    STA $10
    SEP #$20
    RTS

;; tile_address | m=1 note=y*32+x
    LDA $11
    STA $12
    STZ $13
    REP #$20
    LDA $12
    ASL A
    STA $12
    LDA $12
    ASL A
    STA $12
    LDA $12
    ASL A
    STA $12
    LDA $12
    ASL A
    STA $12
    LDA $12
    ASL A
    STA $12
    SEP #$20
    LDA $10
    ORA $12
    STA $12
    RTS

;; toggle_bit
    LDA $7E0044
    AND #$80
    CMP #$80
    BEQ clear
    LDA $7E0044
    ORA #$80
    STA $7E0044
    BRA end
clear:
    LDA $7E0044
    AND #$7F
    STA $7E0044
end:
    RTS

;; oam_entry | note=one sprite into the shadow table
    LDY #$00
    LDA $10
    STA $0200
    LDA $11
    STA $0201
    LDY #$00
    LDA $12
    STA $0202
    LDA #$30
    STA $0203
    LDA $10
    STA $0204
    LDA $11
    CLC
    ADC #$08
    STA $0205
    LDA $12
    STA $0206
    LDA #$30
    STA $0207
    RTS

;; set_up_dma | note=hardware
    LDA #$01
    STA $4300
    LDA #$18
    STA $4301
    LDA #$00
    STA $4302
    LDA #$20
    STA $4303
    LDA #$7E
    STA $4304
    LDA #$00
    STA $4305
    LDA #$01
    STA $4306
    LDA $4F
    CLC
    ADC #$01
    STA $4F
    RTS

;; count_coins
    LDA $0DBF
    CLC
    ADC #$01
    STA $0DBF
    LDA $0DBF
    CMP #$64
    BCC keep
    LDA $0DBF
    SEC
    SBC #$64
    STA $0DBF
    LDA $0DBE
    CLC
    ADC #$01
    STA $0DBE
keep:
    RTS

;; min_of_three
    LDA $10
    STA $13
    LDA $11
    CMP $13
    BCS second
    LDA $11
    STA $13
second:
    LDA $12
    CMP $13
    BCS third
    LDA $12
    STA $13
third:
    LDA $13
    STA $14
    RTS

;; upper_nibble
    LDA $20
    AND #$F0
    LSR A
    LSR A
    LSR A
    LSR A
    AND #$0F
    STA $21
    LDA $20
    AND #$0F
    STA $22
    LDA $22
    ASL A
    ASL A
    ASL A
    ASL A
    STA $23
    RTS

;; write_word_constants | m=1
    LDA #$34
    STA $7E2000
    LDA #$34
    STA $7E2002
    LDA #$12
    STA $7E2001
    LDA #$12
    STA $7E2003
    RTS

;; timers
    LDA $30
    BEQ skip1
    LDA $30
    SEC
    SBC #$01
    STA $30
skip1:
    LDA $31
    BEQ skip2
    LDA $31
    SEC
    SBC #$01
    STA $31
skip2:
    LDA $32
    BEQ skip3
    LDA $32
    SEC
    SBC #$01
    STA $32
skip3:
    RTS

;; direction_dispatch | out=A
    LDA $26
    CMP #$00
    BNE not_up
    LDA #$08
    BRA end
not_up:
    LDA $26
    CMP #$01
    BNE not_down
    LDA #$04
    BRA end
not_down:
    LDA $26
    CMP #$02
    BNE not_left
    LDA #$02
    BRA end
not_left:
    LDA #$01
end:
    STA $27
    LDA $27
    RTS
