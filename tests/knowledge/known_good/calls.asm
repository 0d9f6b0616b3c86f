;; jump table through X
Dispatch:
    sep #$30
    lda $10
    asl a
    tax
    jmp (Table,x)
Table:
    dw One,Two,Three
One:
    inc $12
    rts
Two:
    dec $12
    rts
Three:
    stz $12
    rts
;; call table
CallTable:
    rep #$30
    lda $10
    and #$0003
    asl a
    tax
    jsr (Routines,x)
    sep #$30
    rtl
Routines:
    dw Nothing,Grow,Shrink,Nothing
Nothing:
    rts
Grow:
    inc $20
    rts
Shrink:
    dec $20
    rts
;; dispatch by rts
ByReturn:
    sep #$30
    lda $10
    asl a
    tax
    lda Targets+1,x
    pha
    lda Targets,x
    pha
    rts
Targets:
    dw First-1,Second-1
First:
    inc $14
    rts
Second:
    dec $14
    rts
;; dispatch by a 16-bit push
ByWordReturn:
    rep #$30
    lda $10
    asl a
    tax
    lda Goals,x
    dec a
    pha
    sep #$30
    rts
Goals:
    dw GoalA,GoalB
GoalA:
    rts
GoalB:
    inc $10
    rts
;; call far by pea and rtl
FarReturn:
    sep #$20
    lda #$01
    pha
    pea $8FFF
    rtl
;; pretend a call with pea
FakeCall:
    phk
    pea .back-1
    jml Worker
.back
    inc $10
    rts
Worker:
    inc $12
    rtl
;; jump through a pointer in RAM
ThroughPointer:
    rep #$20
    lda.w #Goal
    sta $0000
    sep #$20
    jmp ($0000)
Goal:
    rts
;; jump through a long pointer
ThroughLong:
    rep #$20
    lda.w #Aim
    sta $0010
    sep #$20
    lda.b #Aim>>16
    sta $0012
    jml [$0010]
Aim:
    rtl
;; data behind the call
PrintInline:
    jsr Print
    db "HELLO",0
    inc $10
    rts
Print:
    rep #$30
    plx
    sep #$20
.next
    inx
    lda $0000,x
    beq .done
    sta $2180
    bra .next
.done
    phx
    sep #$30
    rts
;; argument word behind the call, stack relative
WithArgument:
    jsr Take
    dw $1234
    inc $10
    rts
Take:
    rep #$20
    lda $01,s
    inc a
    inc a
    sta $01,s
    sep #$20
    rts
;; table behind an unknown far call
LocalJump:
    lda $10
    jsl $008781
    dw Left,Right
Left:
    lda #$00
    sta $12
    rts
Right:
    lda #$01
    sta $12
    rts
;; double return drops the caller
GiveUp:
    jsr Inner
    inc $10
    rts
Inner:
    lda $12
    bne .go
    pla
    pla
    rts
.go
    dec $12
    rts
;; tail jumps
Outer:
    lda $10
    beq Skip
    jmp Deep
Skip:
    rts
Deep:
    inc $10
    rts
;; fall through into the next routine
ClearBoth:
    stz $10
ClearOne:
    stz $11
    rts
;; skip the next instruction with bit
SetOne:
    sep #$20
    lda #$01
    db $2C
SetTwo:
    lda #$02
    sta $10
    rts
;; long call and back
CallFar:
    jsl Far
    rts
org $018000
Far:
    phb
    phk
    plb
    lda.w FarData
    sta $10
    plb
    rtl
FarData:
    db 5
;; jsr to a routine that ends with rtl, bank pushed
CallNear:
    phk
    jsr NearLong
    inc $10
    rts
NearLong:
    inc $12
    rtl
;; recursion
Fact:
    dec $10
    beq .done
    lda $10
    pha
    jsr Fact
    pla
    clc
    adc $12
    sta $12
.done
    rts
;; hook with its code elsewhere
org $0080A0
    jsl Hook
    nop
org $20F000
Hook:
    php
    sep #$20
    lda.l $7EF36D
    cmp #$08
    bcs .fine
    lda #$08
    sta.l $7EF36D
.fine
    plp
    rtl
;; hook written as bytes
org $00A123
    db $22
    dl Code
    db $EA
org $20F100
Code:
    rep #$20
    lda $10
    clc
    adc #$0010
    sta $10
    sep #$20
    rtl
;; an immediate patched
org $00B234
    db $05
;; a subroutine in every width
AnyWidth:
    php
    rep #$30
    inc $10
    plp
    rts
Narrow:
    sep #$30
    jsr AnyWidth
    lda #$05
    sta $12
    rts
Wide:
    rep #$30
    jsr AnyWidth
    lda #$0505
    sta $12
    sep #$30
    rts
;; a routine that sets widths for its callers
Main:
    sep #$30
    lda #$01
    sta $10
    jsr WideA
    lda #$1234
    sta $12
    jsr NarrowA
    lda #$12
    sta $14
    rts
WideA:
    rep #$20
    rts
NarrowA:
    sep #$20
    rts
