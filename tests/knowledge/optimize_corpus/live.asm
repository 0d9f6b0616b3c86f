; Routines whose flags or registers the caller uses: `out` names them, and they must arrive.

;; zero_keeps_a | out=A
    LDA #$00
    STA $10
    RTS

;; increment_keeps_a_and_carry | out=A,c
    LDA $10
    CLC
    ADC #$01
    STA $10
    RTS

;; compare_for_carry | out=c
    LDA $10
    STA $12
    LDA $10
    CMP #$40
    RTS

;; zero_flag_of_last | out=z
    LDA #$00
    STA $11
    LDA $10
    CMP #$00
    RTS

;; index_for_caller | out=X
    LDX #$00
    LDA $10
    STA $0300,x
    INX
    RTS

;; loop_leaves_index | out=X,z
    LDX #$00
loop:
    LDA $0300,x
    STA $0320,x
    INX
    CPX #$08
    BNE loop
    RTS

;; hidden_high_byte | out=B,A
    LDA $10
    XBA
    LDA #$00
    XBA
    LDA $10
    STA $11
    RTS

;; carry_of_sum | out=c,A
    LDA $10
    CLC
    ADC $11
    STA $12
    LDA $12
    RTS

;; negative_of_load | out=n
    LDA $10
    AND #$80
    RTS

;; kept_accumulator | out=A
    PHA
    LDA #$05
    STA $10
    PLA
    RTS

;; kept_index | out=X,Y
    PHX
    LDX #$03
    STX $20
    PLX
    LDY $20
    RTS

;; overflow_for_caller | out=v
    LDA $10
    CLC
    ADC $11
    RTS

;; widths_for_caller | out=m,x
    REP #$20
    LDA $10
    STA $20
    RTS

;; found_index | out=X,c
    LDX #$07
search:
    LDA $0400,x
    CMP #$55
    BEQ hit
    DEX
    BPL search
    CLC
    RTS
hit:
    SEC
    RTS

;; subtraction_result | out=A,z,n,c
    LDA $10
    SEC
    SBC #$01
    STA $10
    RTS

;; both_copies | out=A,X
    LDA $10
    TAX
    LDA $11
    STA $12
    LDA $11
    RTS

;; data_bank_kept | out=DB
    PHB
    PHK
    PLB
    LDA $10
    STA $0420
    PLB
    RTS

;; shifted_bit_in_carry | out=c
    LDA $10
    ASL A
    LDA $11
    STA $12
    RTS

;; index_and_flags | out=Y,z,n
    LDY $10
    LDA #$00
    STA $11
    INY
    RTS

;; decimal_flag_kept | out=d,A decimal=None
    LDA $10
    CLC
    ADC #$01
    STA $10
    RTS
