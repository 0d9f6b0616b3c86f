;; level code with defines and macros
!addr = $0000
!bank = $800000
!Timer = $1923|!addr
!Count = 8
macro WriteVram(value)
    REP #$20
    LDA.w #<value>
    STA $2118
    SEP #$20
endmacro
org $008000
init:
    PHB : PHK : PLB
    LDX.b #!Count-1
-   LDA.w .data,x : STA $1900|!addr,x
    DEX : BPL -
    STZ !Timer
    PLB
    RTL
.data:  db $00,$01,$02,$03 : db 4,5,6,7   ; some: colons ; in a comment
main:
    LDA $9D
    ORA $13D4|!addr
    BNE .return
    INC !Timer
    LDA !Timer : CMP.b #60 : BCC .return
    STZ !Timer
    LDA #$80 : STA $2115
    LDX #$10 : STX $2116
    %WriteVram($1234)
.return
    RTL
;; hijack with freecode
org $00A2E2
    autoclean JSL MyHook
    NOP
freecode
MyHook:
    PHP
    REP #$30
    LDA.w #$0000
    LDX.w #$0000
.loop
    STA.l $7F8000,x
    INX #2
    CPX.w #$0200
    BNE .loop
    PLP
    LDA $0DAE          ; restored code
    STA $2100
    RTL
;; sprite routine with tables between
org $018000
print "INIT ",pc
    LDA #$10
    STA $1540,x
    RTL
print "MAIN ",pc
    PHB
    PHK
    PLB
    JSR Sprite
    PLB
    RTL
Speeds:
    db $10,$F0
Sprite:
    LDA $14C8,x
    CMP #$08
    BNE Return
    LDY $157C,x
    LDA Speeds,y
    STA $B6,x
    JSL $019032
    LDA $1588,x
    AND #$03
    BEQ Return
    LDA $157C,x
    EOR #$01
    STA $157C,x
Return:
    RTS
;; loops and namespaces
namespace Engine
org $008000
Start:
    sep #$30
    ldy #$00
.outer:
    ldx #$07
..inner:
    lda Table,x
    sta $7E2000,x
    dex
    bpl ..inner
    iny
    cpy.b #4
    bne .outer
    rts
Table:
for i = 0..8
    db !i*2
endfor
namespace off
;; struct use
struct Obj $7E1000
    .x: skip 2
    .y: skip 2
    .state: skip 1
endstruct
org $008000
Move:
    rep #$20
    lda.l Obj.x
    clc
    adc #$0001
    sta.l Obj.x
    sep #$20
    lda.l Obj.state
    inc
    sta.l Obj.state
    rts
;; inline spc block
org $008000
Send:
    sep #$20
    lda #$01
    sta $2140
    rts
arch spc700
Driver:
    mov a,#$01
    adc a,#$02
    ret
arch 65816
After:
    rep #$20
    lda #$1234
    sta $10
    sep #$20
    rts
;; object with state machine by long jump table
org $0DA000
Object:
    PHB : PHK : PLB
    LDA $10
    ASL
    TAX
    JSR (.states,x)
    PLB
    RTL
.states
    dw .idle, .walk, .jump
.idle
    LDA $F4 : BEQ + : INC $10
+   RTS
.walk
    REP #$20
    LDA $20 : CLC : ADC.w #$0180 : STA $20
    SEP #$20
    RTS
.jump
    DEC $21
    BNE ++
    STZ $10
++
    RTS
;; decompressor with DB=7E and long reads
Decompress:
    php
    phb
    sep #$20
    rep #$10
    lda #$7E
    pha
    plb
    ldx #$0000
    ldy #$2000
.next
    lda.l Packed,x
    inx
    cmp #$FF
    beq .done
    bit #$80
    bne .run
    sta $0000,y
    iny
    bra .next
.run
    and #$7F
    xba
    lda.l Packed,x
    inx
    xba
-   xba
    sta $0000,y
    iny
    xba
    dec
    bne -
    bra .next
.done
    plb
    plp
    rtl
Packed:
    db 1,2,$85,9,$FF
;; text engine with stack relative
Text:
    phx
    phy
    rep #$30
    pha
    sep #$20
    lda $02,s
    sta $7E0100
    lda $01,s
    sta $7E0101
    rep #$30
    pla
    sep #$30
    ply
    plx
    rts
;; sqrt-like math loop
Sqrt:
    rep #$30
    lda $10
    ldx #$FFFF
    sec
-   inx
    sbc Odd
    inc Odd
    inc Odd
    bcs -
    stx $12
    sep #$30
    rts
Odd = $0020
;; wait with nmi flag
WaitFrame:
    lda #$00
    sta $1C
.w  lda $1C
    beq .w
    rts
;; HDMA table builder in 16 bits with 8-bit end
Build:
    php
    rep #$30
    phb
    pea $7F7F
    plb
    plb
    ldx #$0000
    lda #$0001
.l  sta $8000,x
    inx #3
    cpx #$0090
    bcc .l
    sep #$20
    stz $8000,x
    plb
    plp
    rtl
;; sep inside branch arms
Arms:
    rep #$20
    lda $10
    bmi .neg
    cmp #$0100
    bcs .big
    sep #$20
    sta $12
    bra .out
.big
    sep #$20
    lda #$FF
    sta $12
    bra .out
.neg
    sep #$20
    stz $12
.out
    lda $12
    sta $13
    rts
;; dispatch with jml table pushing
Jump24:
    rep #$30
    lda $10
    asl
    clc
    adc $10
    tax
    sep #$20
    lda.l Far+2,x
    pha
    rep #$20
    lda.l Far,x
    dec
    pha
    sep #$30
    rtl
Far:
    dl Dest1,Dest2
Dest1:
    inc $11
    rtl
Dest2:
    dec $11
    rtl
;; nmi with early out
org $008000
NMI:
    rep #$30
    phb : pha : phx : phy : phd
    lda #$0000 : tcd
    sep #$30
    lda.b #$00 : pha : plb
    lda $4210
    lda $10
    bne .lag
    inc $10
    jsr Upload
.lag
    lda $13
    sta $2100
    rep #$30
    pld : ply : plx : pla : plb
    rti
Upload:
    ldx #$80 : stx $2115
    rep #$20
    lda #$6000 : sta $2116
    lda #$1801 : sta $4300
    lda #$2000 : sta $4302
    ldx #$7E : stx $4304
    lda #$0800 : sta $4305
    ldx #$01 : stx $420B
    sep #$20
    rts
org $00FFEA : dw NMI
