;; jsr to rtl => AFS501@2
main:
    jsr Work
    inc $10
    rts
Work:
    inc $12
    rtl
;; jsr to rtl behind a branch => AFS501
main:
    jsr Work
    inc $10
    rts
Work:
    lda $12
    beq done
    inc $14
done:
    rtl
;; jsr to rtl by a tail jump => AFS501
main:
    jsr Work
    inc $10
    rts
Work:
    inc $12
    jmp Rest
Rest:
    inc $14
    rtl
;; jsl to rts => AFS502@2
main:
    jsl Work
    inc $10
    rtl
Work:
    inc $12
    rts
;; jsl to rts in another bank => AFS502@2
main:
    jsl Work
    inc $10
    rtl
org $018000
Work:
    lda #$12
    sta $10
    rts
;; jsr to rti => AFS503
main:
    jsr Work
    inc $10
    rts
Work:
    inc $12
    rti
;; matching calls => clean
main:
    jsr Near
    jsl Far
    inc $10
    rts
Near:
    inc $12
    rts
Far:
    inc $14
    rtl
;; jsl to a wrapper of a near routine => clean
main:
    jsl Wrapper
    inc $10
    rts
Wrapper:
    jsr Near
    nop
    rtl
Near:
    inc $12
    rts
;; jsr to rtl with the bank pushed => clean
main:
    phk
    jsr Work
    inc $10
    rts
Work:
    inc $12
    rtl
;; runs into a table => AFS504@3
    sep #$30
    ldx #$00
    lda.w Table,x
Table:
    db 1,2,3
;; runs into a text => AFS504
    inc $10
    db "TEXT"
;; runs into addresses => AFS504
main:
    inc $10
    dw main
;; branch falls into a table => AFS504
main:
    lda $10
    bne main
Table:
    db 1,2,3
;; call before a table returns => AFS504
main:
    jsr Work
Table:
    db 1,2,3
Work:
    inc $10
    rts
;; table behind a return => clean
    lda.w Table
    sta $10
    rts
Table:
    db 1,2,3
;; table behind an endless loop => clean
main:
    inc $10
    bra main
Table:
    db 1,2,3
;; instructions as bytes => clean
    inc $10
    db $EA,$EA
    rts
;; arguments behind a call => clean
main:
    jsr Work
    dw $1234
    rts
Work:
    rep #$30
    ply
    iny
    iny
    phy
    sep #$30
    rts
;; arguments behind a call of the ROM => clean
main:
    lda $10
    jsl $0FFD22
    dw Here,There
Here:
    rts
There:
    inc $10
    rts
;; called routine without return => AFS505
main:
    jsr Work
    rts
Work:
    lda $10
    sta $12
;; named routine without return => AFS505
Work:
    lda $10
    sta $12
;; branch at the very end => AFS505
main:
    lda $10
    bne main
;; ends with a jump => clean
main:
    lda $10
    jmp main
;; ends with a far jump => clean
main:
    lda $10
    jml $008781
;; hook without a label => clean
org $0081F0
    jsl Hook
org $208000
Hook:
    inc $10
    rtl
;; ends with stp => clean
main:
    inc $10
    stp
;; jumps to a table => AFS506
main:
    lda $10
    beq Table
    rts
Table:
    dw main
;; calls a text => AFS506
main:
    jsr Text
    rts
Text:
    db "HELLO"
;; jump through a table => clean
main:
    sep #$30
    ldx #$00
    jmp (Table,x)
Table:
    dw main
;; into an operand => AFS602@3 AFS602@7
main:
    lda $1234
    beq main+1-0
    rts
Middle = $008001
Other:
    bra Middle
;; jump to an instruction in the middle of a routine => clean
main:
    lda $1234
second:
    sta $10
    beq second
    rts
;; near call to another bank => AFS701
main:
    jsr.w Work
    rts
org $028000
Work:
    inc $10
    rts
;; near jump to another bank => AFS701
main:
    inc $10
    jmp.w Work
org $028000
Work:
    inc $10
    rts
;; pointer outside of bank 0 => AFS701
org $028000
main:
    inc $10
    jmp (Pointer)
Pointer:
    dw main
;; long jump pointer outside of bank 0 => AFS701
org $028000
main:
    inc $10
    jml [Pointer]
Pointer:
    dl main
;; near call within a mirrored bank => clean
org $808000
main:
    jsr.w Work
    inc $10
    rts
Work:
    inc $10
    rts
;; pointer in low RAM => clean
org $028000
main:
    rep #$20
    lda.w #main
    sta $0000
    sep #$20
    jmp ($0000)
;; branch to a label and one into its operand => AFS602@3
    sep #$20
    lda $10
    beq t+1
    sta $11
t:  lda #$05
    sta $12
    rts
;; jump to a label and one into its operand => AFS602@2
    sep #$20
    jmp t+1
t:  lda #$05
    sta $12
    rts
;; branch written as bytes into an operand => AFS602@3
    sep #$20
    lda $10
    db $F0,$03
    sta $11
t:  lda #$05
    sta $12
    rts
;; jump written as an opcode and a word into an operand => AFS602@4
    sep #$20
    lda $10
    sta $11
    db $4C : dw t+1
t:  lda #$05
    sta $12
    rts
;; to an instruction behind a label by an offset => clean
    sep #$20
    lda $10
    beq t+2
    sta $11
t:  lda $13
    sta $12
    rts
;; into the operand of an instruction that is there to be skipped => clean
    sep #$20
    lda $10
    beq t+1
    inc $11
t:  bit.w $05A9
    sta $12
    rts
;; branch written as bytes to an instruction => clean
    sep #$20
    lda $10
    db $F0,$02
    sta $11
t:  lda #$05
    sta $12
    rts
;; bytes behind a call for who is called => clean
main:
    sep #$20
    jsr Print
    db $F0,$03
    sta $11
t:  lda #$05
    sta $12
    rts
Print:
    rep #$20
    pla
    inc
    inc
    pha
    sep #$20
    rts
