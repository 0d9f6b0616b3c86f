;; decimal score
AddScore:
    php
    rep #$20
    sed
    clc
    lda $20
    adc $24
    sta $20
    lda $22
    adc $26
    sta $22
    cld
    plp
    rts
;; decimal within php
AddCoins:
    php
    sep #$28
    clc
    lda $30
    adc #$01
    sta $30
    plp
    rts
;; 32-bit sum
AddLong:
    rep #$20
    clc
    lda $10
    adc $14
    sta $10
    lda $12
    adc $16
    sta $12
    sep #$20
    rts
;; 16-bit sum with 8-bit code
AddBytes:
    sep #$20
    clc
    lda $10
    adc $12
    sta $10
    lda $11
    adc $13
    sta $11
    rts
;; negate
Negate:
    rep #$20
    lda $10
    eor #$FFFF
    inc a
    sta $10
    sep #$20
    rts
;; sign extension
SignExtend:
    sep #$20
    lda $10
    xba
    lda $10
    bmi .minus
    lda #$00
    bra .store
.minus
    lda #$FF
.store
    xba
    rep #$20
    sta $12
    sep #$20
    rts
;; build a word from two bytes
MakeWord:
    sep #$20
    lda $11
    xba
    lda $10
    rep #$20
    tax
    stx $12
    sep #$20
    rts
;; two 8-bit pushes, one 16-bit pull
PushTwo:
    sep #$20
    lda $11
    pha
    lda $10
    pha
    rep #$20
    pla
    sta $12
    sep #$20
    rts
;; one 16-bit push, two 8-bit pulls
SplitWord:
    rep #$20
    lda $10
    pha
    sep #$20
    pla
    sta $12
    pla
    sta $13
    rts
;; data bank by pea
BankByPea:
    phb
    pea $7E7E
    plb
    plb
    lda $9000
    sta $10
    plb
    rtl
;; bank by a push of x
BankByIndex:
    phb
    sep #$10
    ldx #$7F
    phx
    plb
    lda $8000
    sta $10
    plb
    rtl
;; flags read by pla
ReadFlags:
    sep #$20
    php
    pla
    sta $10
    rts
;; flags made by pha
MakeFlags:
    sep #$20
    lda $10
    pha
    plp
    sep #$30
    rts
;; loop in 8 bits
Loop8:
    sep #$30
    ldy #$08
.loop
    asl $10
    rol $11
    dey
    bne .loop
    rts
;; loop in 16 bits
Loop16:
    rep #$10
    ldx #$0400
.loop
    dex
    bne .loop
    sep #$10
    rts
;; nested loops
Nested:
    sep #$30
    ldy #$04
.outer
    ldx #$10
.inner
    inc $0200,x
    dex
    bne .inner
    dey
    bne .outer
    rts
;; hex digits on the stack
PrintDigits:
    sep #$30
    ldx #$00
.more
    lda $10
    and #$0F
    pha
    inx
    lsr $10
    lsr $10
    lsr $10
    lsr $10
    bne .more
.show
    pla
    sta $2180
    dex
    bne .show
    rts
;; random numbers
Random:
    rep #$20
    lda $1E
    bne .go
    lda #$ACE1
.go
    lsr a
    bcc .store
    eor #$B400
.store
    sta $1E
    sep #$20
    rts
;; compare and branch
Clamp:
    rep #$20
    lda $10
    cmp #$0100
    bcc .low
    lda #$00FF
    sta $10
.low
    sep #$20
    rts
;; bit tests
Bits:
    sep #$20
    lda #$40
    tsb $10
    beq .new
    trb $11
.new
    bit $12
    bvs .over
    inc $13
.over
    rts
;; shifts with pseudo counts
Shifts:
    rep #$20
    lda $10
    asl #4
    sta $12
    lsr #3
    sta $14
    sep #$20
    rts
;; constants by define
!Speed = $0180
!Timer = $7E0040
Defines:
    rep #$20
    lda.w #!Speed
    sta.l !Timer
    sep #$20
    lda.b #!Speed>>8
    sta $10
    lda.b #!Speed
    sta $11
    rts
;; low byte of labels
Parts:
    sep #$20
    lda.b #Here
    sta $00
    lda.b #Here>>8
    sta $01
    lda.b #Here>>16
    sta $02
    rts
Here:
    db 0
;; macros
macro SetByte(address, value)
    lda.b #<value>
    sta <address>
endmacro
UseMacro:
    sep #$20
    %SetByte($10, $12)
    %SetByte($11, $34)
    rts
;; struct-like tables
Entries:
    rep #$30
    lda $10
    asl a
    adc $10
    tax
    lda.l Record,x
    sta $12
    sep #$20
    lda.l Record+2,x
    sta $14
    sep #$10
    rtl
Record:
    dw $1234 : db $56
    dw $789A : db $BC
;; emulation mode and back
Emulate:
    php
    sep #$30
    sec
    xce
    lda #$12
    sta $10
    clc
    xce
    plp
    rts
;; stack frame
Frame:
    php
    rep #$30
    phd
    tsc
    sec
    sbc #$0010
    tcs
    inc a
    tcd
    stz $00
    lda $00
    sta $02
    tsc
    clc
    adc #$0010
    tcs
    pld
    plp
    rtl
;; conditional saves told apart by a flag
Correlated:
    sep #$30
    lda $10
    beq .skip
    phx
.skip
    ldx #$02
    inc $12,x
    lda $10
    beq .done
    plx
.done
    rts
;; xba in 8 bits
HighByte:
    sep #$20
    lda #$12
    xba
    lda #$34
    xba
    sta $10
    rts
;; data tables of all kinds
Tables:
    rtl
    db "TEXT",0,255,-128
    dw 65535,-1,Tables
    dl Tables,$FFFFFF
    dd $FFFFFFFF
