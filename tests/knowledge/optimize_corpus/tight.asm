; Routines with nothing to gain: the optimiser must leave each as it is.
; Without `out` every register and flag is dead at the end.

;; clear_two
    STZ $10
    STZ $11
    RTS

;; increment
    INC $10
    RTS

;; copy_one
    LDA $10
    STA $12
    RTS

;; countdown_clear
    LDX #$0F
loop:
    STZ $20,x
    DEX
    BPL loop
    RTS

;; countdown_copy
    LDX #$07
loop:
    LDA $0300,x
    STA $0320,x
    DEX
    BPL loop
    RTS

;; add_bytes
    LDA $10
    CLC
    ADC $11
    STA $12
    RTS

;; test_and_set
    LDA $10
    BMI skip
    INC $11
skip:
    RTS

;; word_add | m=0
    LDA $10
    CLC
    ADC $12
    STA $14
    RTS

;; set_bits
    LDA #$18
    TSB $30
    RTS

;; clear_bits
    LDA #$07
    TRB $31
    RTS

;; table_lookup
    LDX $10
    LDA $0600,x
    STA $11
    RTS

;; indirect_copy
    LDY #$03
loop:
    LDA ($10),y
    STA [$14],y
    DEY
    BPL loop
    RTS

;; force_blank
    LDA #$80
    STA $2100
    RTS

;; wait_a_little
    LDX #$20
wait:
    DEX
    BNE wait
    RTS

;; wait_for_blank
wait:
    BIT $4212
    BPL wait
    RTS

;; hardware_multiply
    LDA $10
    STA $4202
    LDA $11
    STA $4203
    NOP
    NOP
    NOP
    LDA $4216
    STA $12
    RTS

;; maximum
    LDA $10
    CMP $11
    BCS keep
    LDA $11
keep:
    STA $12
    RTS

;; halve_signed
    LDA $10
    CMP #$80
    ROR $10
    RTS

;; block_move | m=0 x=0 out=DB
    PHB
    LDX #$1000
    LDY #$2000
    LDA #$00FF
    MVN $7F,$7E
    PLB
    RTS

;; decimal_add | m=0
    SED
    LDA $10
    CLC
    ADC $12
    STA $10
    CLD
    RTS
