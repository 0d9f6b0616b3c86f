; Routines as people write them, with slack; written first and not looked at while the optimiser was tuned.
; A line `;; name | key=value ...` opens one: its contract. Without `out` every register and flag is dead at the end.

;; add_word_to_long | note=24-bit distance counter
    LDA $0100
    CLC
    ADC $0104
    STA $0100
    LDA $0101
    ADC $0105
    STA $0101
    LDA $0102
    ADC #$00
    STA $0102
    LDA $0102
    AND #$7F
    STA $0102
    RTS

;; blink_flag
    LDA $001A
    AND #$04
    CMP #$00
    BEQ off
    LDA #$01
    STA $001B
    JMP finish
off:
    LDA #$00
    STA $001B
    JMP finish
finish:
    RTS

;; reset_player
    LDA #$00
    STA $0020
    LDA #$00
    STA $0021
    LDA #$00
    STA $0022
    LDA #$01
    STA $0023
    LDA #$00
    STA $0024
    LDA #$01
    STA $0025
    RTS

;; take_damage
    LDA $7EF36D
    SEC
    SBC $7E0373
    STA $7EF36D
    BCS alive
    LDA #$00
    STA $7EF36D
alive:
    LDA #$00
    STA $7E0373
    RTS

;; index_into_pointers
    LDA $0010
    AND #$07
    STA $0011
    LDA $0011
    ASL A
    TAX
    LDA.l pointers,x
    STA $0002
    INX
    LDA.l pointers,x
    STA $0003
    LDA #$00
    STA $0004
    RTS
pointers:
    dw $9000, $9100, $9200, $9300, $9400, $9500, $9600, $9700

;; combine_nibbles
    LDA $40
    AND #$0F
    STA $42
    LDA $41
    AND #$0F
    ASL A
    ASL A
    ASL A
    ASL A
    STA $43
    LDA $42
    ORA $43
    STA $44
    LDA $44
    STA $45
    RTS

;; save_camera | m=1
    REP #$20
    LDA $00E2
    STA $0E00
    SEP #$20
    REP #$20
    LDA $00E8
    STA $0E02
    SEP #$20
    LDA $0E00
    STA $0E04
    LDA $0E01
    STA $0E05
    RTS

;; new_presses
    LDA $00F2
    EOR #$FF
    STA $00F8
    LDA $00F0
    AND $00F8
    STA $00F4
    LDA $00F0
    STA $00F2
    RTS

;; copy_down
    LDY #$00
copy:
    LDA $0420,y
    STA $0520,y
    INY
    CPY #$08
    BNE copy
    LDY #$00
    RTS

;; fill_tilemap_row | m=1 x=1
    LDX #$00
row:
    LDA #$80
    STA $1000,x
    LDA #$20
    STA $1001,x
    INX
    INX
    CPX #$40
    BNE row
    RTS

;; times_six
    LDA $00
    STA $02
    ASL A
    STA $04
    LDA $02
    ASL A
    ASL A
    CLC
    ADC $04
    STA $06
    RTS

;; sign_of_speed
    LDA $28
    AND #$80
    CMP #$80
    BEQ negative
    LDA #$00
    STA $29
    RTS
negative:
    LDA #$FF
    STA $29
    RTS

;; apply_gravity | m=0 x=0
    LDA $00A0
    CLC
    ADC #$0001
    STA $00A0
    LDA $00A0
    CMP #$0400
    BCC slow
    LDA #$0400
    STA $00A0
slow:
    LDA $00A2
    CLC
    ADC $00A0
    STA $00A2
    RTS

;; fade_step | note=hardware
    LDA $13
    CMP #$00
    BEQ black
    LDA $13
    SEC
    SBC #$01
    STA $13
    LDA $13
    STA $002100
    RTS
black:
    LDA #$80
    STA $002100
    RTS

;; count_set_slots
    LDA #$00
    STA $20
    LDX #$00
each:
    LDA $0DD0,x
    CMP #$00
    BEQ empty
    LDA $20
    CLC
    ADC #$01
    STA $20
empty:
    INX
    CPX #$10
    BNE each
    RTS

;; guarded_call
    LDA $6C
    CMP #$00
    BNE busy
    JSR work
    JMP leave
busy:
    JMP leave
leave:
    RTS
work:
    LDA #$01
    STA $6D
    LDA #$01
    STA $6C
    RTS

;; average | m=1
    LDA $50
    CLC
    ADC $51
    ROR A
    STA $52
    LDA $52
    STA $53
    LDA $52
    STA $54
    LDA $00
    STA $00
    RTS

;; rotate_colours | m=0 x=0
    LDA $0502
    STA $0520
    LDA $0504
    STA $0502
    LDA $0506
    STA $0504
    LDA $0508
    STA $0506
    LDA $0520
    STA $0508
    RTS

;; larger_of_two
    LDA $30
    STA $34
    LDA $32
    STA $36
    LDA $34
    CMP $36
    BCS keep
    LDA $36
    STA $38
    BRA out
keep:
    LDA $34
    STA $38
    BRA out
out:
    RTS

;; word_decrement
    LDA $60
    SEC
    SBC #$01
    STA $60
    LDA $61
    SBC #$00
    STA $61
    LDA $60
    ORA $61
    CMP #$00
    BNE running
    LDA #$01
    STA $62
running:
    RTS

;; tile_index | m=1 note=y/8*8 + x/8
    LDA $71
    LSR A
    LSR A
    LSR A
    ASL A
    ASL A
    ASL A
    STA $72
    LDA $70
    LSR A
    LSR A
    LSR A
    CLC
    ADC $72
    STA $72
    RTS

;; set_room_flag
    LDA $7E0402
    ORA #$10
    STA $7E0402
    LDA $7E0402
    ORA #$40
    STA $7E0402
    LDA $7E0403
    AND #$FE
    STA $7E0403
    RTS

;; hide_sprites
    LDX #$00
    LDA #$F0
hide:
    STA $0201,x
    INX
    INX
    INX
    INX
    CPX #$40
    BNE hide
    LDX #$00
    RTS

;; vram_address | note=hardware
    LDA #$80
    STA $002115
    LDA $90
    STA $002116
    LDA $91
    STA $002117
    LDA #$00
    STA $90
    LDA #$00
    STA $91
    RTS

;; bcd_style_timer
    INC $0081
    LDA $0081
    CMP #$3C
    BNE same
    LDA #$00
    STA $0081
    INC $0082
    LDA $0082
    CMP #$3C
    BNE same
    LDA #$00
    STA $0082
    INC $0083
same:
    RTS

;; hitbox_overlap
    LDA $10
    SEC
    SBC $12
    STA $14
    LDA $14
    CMP #$10
    BCC hit
    LDA #$00
    STA $15
    BRA end
hit:
    LDA #$01
    STA $15
    BRA end
end:
    LDA $15
    STA $16
    RTS

;; random_step | note=linear generator
    LDA $A0
    ASL A
    ASL A
    CLC
    ADC $A0
    STA $A1
    LDA $A1
    CLC
    ADC #$11
    STA $A0
    LDA $A0
    EOR $1A
    STA $A2
    RTS

;; store_pointer | m=1
    LDA #$00
    STA $7E0000
    LDA #$90
    STA $7E0001
    LDA #$7F
    STA $7E0002
    LDA #$00
    STA $7E0003
    RTS

;; follow_leader
    PHX
    LDX $B0
    LDA $0300,x
    STA $B1
    LDX $B0
    LDA $0310,x
    STA $B2
    LDX $B0
    LDA $0320,x
    STA $B3
    PLX
    RTS

;; menu_cursor
    LDA $C0
    AND #$08
    BEQ not_up
    LDA $C1
    CMP #$00
    BEQ not_up
    LDA $C1
    SEC
    SBC #$01
    STA $C1
not_up:
    LDA $C0
    AND #$04
    BEQ not_down
    LDA $C1
    CMP #$05
    BEQ not_down
    LDA $C1
    CLC
    ADC #$01
    STA $C1
not_down:
    RTS
