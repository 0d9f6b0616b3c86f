;; second org within the first code => AFS1101
org $008000
main:
    lda.l $7E0010
    sta.l $7E0012
    rtl
org $008005
    nop
    rtl
;; second org writes the same place => AFS1101
org $008000
main:
    inc $10
    rts
org $008000
    dec $10
    rts
;; mirrored org writes the same place => AFS1101
org $008000
main:
    inc $10
    rts
org $808000
    dec $10
    rts
;; code one behind the other => clean
org $008000
main:
    inc $10
    rts
org $008003
    dec $10
    rts
;; code runs into the header => AFS1106
org $00FFBC
main:
    lda.l $7E0010
    sta.l $7E0012
    rtl
;; header written as data => clean
org $00FFB0
    db "AB","ABCD",0,0,0,0,0,0,0,0,0,0
    db "TITLE OF A PROGRAM   "
    db $20,$00,$09,$00,$01,$33,$00
    dw $FFFF,$0000
;; checksum pair wrong => AFS1107
org $00FFDC
    dw $1111,$2222
;; load overwritten => AFS1201@2
    sep #$30
    lda $10
    lda $11
    sta $12
    rts
;; transfer overwritten => AFS1201
    sep #$30
    txa
    lda $11
    sta $12
    rts
;; index loaded twice => AFS1201
    sep #$30
    ldx #$01
    ldx #$02
    stx $12
    rts
;; load of a register has an effect => clean
    sep #$20
    lda $4210
    lda $11
    sta $12
    rts
;; flags of the load are used => clean
    sep #$20
    lda $10
    beq done
    lda $11
    sta $12
done:
    rts
;; high byte survives => clean
    rep #$20
    lda $10
    sep #$20
    lda $12
    rep #$20
    sta $14
    sep #$20
    rts
;; sublabel without use => AFS1202
main:
    lda $10
.unused
    sta $12
.again
    dec $13
    bne .again
    rts
;; sublabel named from another routine => clean
main:
    lda $10
.tail
    sta $12
    rts
other:
    lda $11
    bra main_tail
;; instruction behind rts => AFS1203@4
main:
    inc $10
    rts
    inc $11
    rts
;; instruction behind a jump => AFS1203
main:
    jmp other
    inc $11
other:
    rts
;; instruction behind an endless loop => AFS1203
main:
    inc $10
    bra main
    inc $11
    rts
;; label behind rts => clean
main:
    inc $10
    rts
next:
    inc $11
    rts
;; anonymous label behind a branch => clean
main:
    lda $10
    beq +
    bra ++
+   inc $11
++  rts
;; padding behind rts => clean
main:
    inc $10
    rts
    nop
    nop
;; the same place stored twice => AFS1204@2
    sep #$20
    stz $10
    lda #$12
    sta $10
    rts
;; read between two stores => clean
    sep #$20
    stz $10
    lda $10
    sta $11
    lda #$12
    sta $10
    rts
;; registers are written twice on purpose => clean
    sep #$20
    lda #$12
    sta $210D
    stz $210D
    sta $2122
    sta $2122
    rts
;; stores of two widths => clean
    sep #$20
    lda #$12
    sta $10
    rep #$20
    stz $10
    sep #$20
    rts
;; decimal mode left on => AFS1301@1
    sed
    clc
    lda $10
    adc $11
    sta $10
    rts
;; decimal mode left on by sep => AFS1301
    sep #$28
    lda $10
    clc
    adc #$01
    sta $10
    rtl
;; decimal mode left on in one path => AFS1301
    sep #$20
    sed
    lda $10
    beq done
    clc
    adc $11
    sta $10
    cld
done:
    rts
;; decimal mode off on both paths => clean
    sep #$20
    sed
    lda $10
    beq done
    clc
    adc $11
    sta $10
done:
    cld
    rts
;; decimal mode within php => clean
    php
    sed
    clc
    lda $10
    adc $11
    sta $10
    plp
    rts
;; decimal mode off in a routine => clean
main:
    sep #$20
    sed
    jsr Add
    inc $12
    rts
Add:
    clc
    lda $10
    adc $11
    sta $10
    cld
    rts
;; banks of a block move exchanged => AFS1302
    rep #$30
    phb
    ldx #$8000
    ldy #$2000
    lda #$00FF
    mvn $C5,$7E
    plb
    sep #$30
    rts
;; block move into ROM by its address => AFS1302
    rep #$30
    phb
    ldx #$2000
    ldy #$9000
    lda #$00FF
    mvn $00,$7E
    plb
    sep #$30
    rts
;; block move to low RAM => clean
    rep #$30
    phb
    ldx #$9000
    ldy #$0200
    lda #$00FF
    mvn $00,$02
    plb
    sep #$30
    rts
;; block move with 8-bit registers => AFS1303
    sep #$30
    phb
    lda #$1F
    ldx #$00
    ldy #$80
    mvn $7E,$7E
    plb
    rts
;; block move with only the low byte of the count => AFS1303
    sep #$20
    rep #$10
    phb
    ldx #$8000
    ldy #$2000
    lda #$1F
    mvn $7E,$02
    plb
    sep #$10
    rts
;; count made of both bytes => clean
    sep #$20
    rep #$10
    phb
    ldx #$8000
    ldy #$2000
    lda #$00
    xba
    lda #$1F
    mvn $7E,$02
    plb
    sep #$10
    rts
;; brk => AFS1305
    inc $10
    brk #$00
    rts
;; cop => AFS1305
    inc $10
    cop #$12
    rts
;; wdm => AFS1305
    inc $10
    wdm #$42
    rts
;; xba in 8 bits is fine => clean
    sep #$20
    lda $10
    xba
    lda $11
    xba
    sta $12
    rts
;; brk has a handler => clean
main:
    inc $10
    brk #$00
    rts
Break:
    inc $12
    rti
org $00FFE6
    dw Break
;; RAM that nobody writes => AFS1401 | select AFS1401
    sep #$20
    lda.l $7E1000
    sta.l $7E1002
    rts
;; RAM that is written somewhere => clean | select AFS1401
main:
    sep #$20
    lda.l $7E1000
    sta.l $7E1002
    jsr Other
    nop
    rts
Other:
    lda #$12
    sta.l $7E1000
    rts
;; stores whose place is unknown => clean | select AFS1401
    sep #$20
    lda.l $7E1000
    sta [$10],y
    rts
;; lda 0 for stores => AFS1501
    sep #$30
    lda #$00
    sta $10
    sta $0200,x
    lda $11
    sta $12
    rts
;; A is 0 for the caller => clean
    sep #$30
    lda #$00
    sta $10
    rts
;; no long form of stz => clean
    sep #$30
    lda #$00
    sta.l $7E0010
    lda $11
    sta $12
    rts
;; add one => AFS1502
    sep #$30
    lda $10
    clc
    adc #$01
    sta $10
    clc
    lda $11
    adc $12
    sta $12
    rts
;; carry of the addition is used => clean
    sep #$30
    lda $10
    clc
    adc #$01
    sta $10
    lda $11
    adc #$00
    sta $11
    rts
;; compare with 0 => AFS1503
    sep #$30
    ldx $10
    cpx #$00
    beq done
    inc $12
done:
    clc
    lda $13
    adc $14
    sta $14
    clv
    rts
;; compare sets the carry that is used => clean
    sep #$30
    lda $10
    cmp #$00
    adc $11
    sta $12
    rts
;; compare of another register => clean
    sep #$30
    lda $10
    cpx #$00
    beq done
    inc $12
done:
    clc
    lda $13
    adc $14
    sta $14
    rts
;; call before return => AFS1504
main:
    inc $10
    jsr Work
    rts
Work:
    inc $12
    rts
;; far call before return => AFS1504
main:
    inc $10
    jsl Work
    rtl
Work:
    inc $12
    rtl
;; call before another return => clean
main:
    inc $10
    jsr Work
    rtl
Work:
    inc $12
    rts
;; near jump => AFS1505 | select AFS1505
main:
    inc $10
    jmp main
;; long address with the data bank known => AFS1506
    sep #$20
    phb
    phk
    plb
    lda.l $001000
    sta $10
    plb
    rts
;; long address with the data bank unknown => clean
    sep #$20
    lda.l $001000
    sta $10
    rts
;; two reps => AFS1507
    rep #$20
    rep #$10
    inc $10
    sep #$30
    rts
;; rep and sep => clean
    rep #$20
    sep #$10
    inc $10
    sep #$20
    rts
;; clc twice => AFS1508
    sep #$20
    clc
    lda $10
    sta $11
    clc
    adc $12
    sta $13
    rts
;; clc after an addition => clean
    sep #$20
    clc
    lda $10
    adc $12
    clc
    adc $13
    sta $13
    rts
;; comment names no rule => AFS1601
    inc $10 ; lint: ignore AFS998 because
    rts
;; comment silences nothing => AFS1602
    inc $10 ; lint: ignore AFS201 because
    rts
;; comment silences its line => clean
    sep #$20
    lda $2100 ; lint: ignore AFS903 open bus is wanted
    sta $10
    rts
;; comment by name => clean
    sep #$20
    lda $2100 ; lint: ignore write-only-read open bus is wanted
    sta $10
    rts
;; comment silences the next line => clean
    sep #$20
    ; lint: ignore AFS903
    lda $2100
    sta $10
    rts
;; region => clean
    sep #$20
    ; lint: off AFS903
    lda $2100
    sta $10
    lda $2101
    sta $11
    ; lint: on AFS903
    rts
;; behind the region => AFS903@7
    sep #$20
    ; lint: off AFS903
    lda $2100
    sta $10
    ; lint: on
    inc $12
    lda $2101
    sta $11
    rts
;; other rule than the one named => AFS903 AFS1602
    sep #$20
    lda $2100 ; lint: ignore AFS904 wrong number
    sta $10
    rts
;; load without use, nothing known about X => AFS1201@2
    sep #$20
    lda #$01
    lda #$02
    sta $10
    rts
;; zero stored, nothing known about X => AFS1501@2
    sep #$20
    lda #$00
    sta $10
    lda #$05
    sta $11
    rts
;; zero stored and given back => clean
    sep #$20
    lda #$00
    sta $10
    rts
;; one more, nothing known about X => AFS1502@3
    sep #$20
    lda $10
    clc
    adc #$01
    sta $10
    clc
    adc $12
    sta $13
    rts
;; compare with 0 behind a load, nothing known about X => AFS1503@3
    sep #$20
    lda $10
    cmp #$00
    beq done
    sta $11
done:
    clc
    rts
;; low byte loaded, exchanged and used => clean
    sep #$20
    lda #$01
    xba
    lda #$02
    rep #$20
    sta $10
    rts
;; high byte of a wide load still used => clean
    rep #$20
    lda #$0101
    sep #$20
    lda #$02
    rep #$20
    sta $10
    rts
;; index loaded before the flags come back => clean
    php
    sep #$30
    ldx #$05
    plp
    stx $10
    rts
;; B read by tax when X may be 16 bits wide => clean
    rep #$20
    lda #$0102
    tax
    sep #$20
    stx $10
    rts
;; stored twice with a read of another byte between => AFS1204@2
    sep #$20
    sta $10
    lda $11
    sta $10
    rts
;; stored twice with a wide read over it between => clean
    rep #$20
    sta $10
    lda $0F
    sta $10
    rts
;; stored twice with a read by its long address between => clean
    sep #$20
    sta $10
    lda.l $7E0010
    sta $10
    rts
;; pointer stored, used to store, and stored again => clean
    rep #$20
    lda #$8000
    sta $10
    lda #$0005
    sta ($10)
    lda #$9000
    sta $10
    rts
