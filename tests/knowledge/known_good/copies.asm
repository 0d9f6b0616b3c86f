;; copy 16-bit words up
CopyWords:
    php
    rep #$30
    ldx #$0000
.loop
    lda.l Source,x
    sta.l $7E2000,x
    inx
    inx
    cpx #$0010
    bne .loop
    plp
    rtl
Source:
    dw $0001,$0203,$0405,$0607,$0809,$0A0B,$0C0D,$0E0F
;; copy bytes down with 8-bit index
CopyDown:
    sep #$30
    ldx #$0F
-
    lda $0200,x
    sta $0300,x
    dex
    bpl -
    rts
;; fill a buffer
Fill:
    rep #$30
    lda #$FFFF
    ldy #$07FE
.next
    sta $0800,y
    dey
    dey
    bpl .next
    sep #$30
    rts
;; clear a page with stz
ClearPage:
    sep #$30
    ldx #$00
.loop
    stz $0100,x
    inx
    bne .loop
    rts
;; block move of a table to WRAM
MoveTable:
    phb
    rep #$30
    ldx.w #Table
    ldy #$3000
    lda.w #TableEnd-Table-1
    mvn $7E,$00
    plb
    rtl
Table:
    db $10,$20,$30,$40
TableEnd:
;; block move up within WRAM
ScrollUp:
    phb
    rep #$30
    ldx #$2040
    ldy #$2000
    lda #$06BF
    mvn $7E,$7E
    plb
    sep #$30
    rts
;; block move down with mvp
ScrollDown:
    phb
    rep #$30
    ldx #$26BF
    ldy #$26FF
    lda #$06BF
    mvp $7E,$7E
    plb
    sep #$30
    rts
;; clear WRAM by an overlapping block move
ClearRam:
    phb
    rep #$30
    lda #$0000
    sta.l $7E2000
    ldx #$2000
    ldy #$2002
    lda #$1FFD
    mvn $7E,$7E
    plb
    rtl
;; copy through a 24-bit pointer
CopyLong:
    php
    sep #$20
    rep #$10
    ldy #$0000
.loop
    lda [$00],y
    sta [$03],y
    beq .done
    iny
    cpy #$0100
    bne .loop
.done
    plp
    rtl
;; copy 24 bits in two steps
CopyPointer:
    rep #$20
    lda $10
    sta $20
    sep #$20
    lda $12
    sta $22
    rts
;; copy with x and y of different registers
Interleave:
    php
    rep #$30
    phx
    phy
    ldx #$0000
    txy
.loop
    lda $0400,x
    sta $0500,y
    inx
    inx
    iny
    iny
    iny
    iny
    cpx #$0020
    bcc .loop
    ply
    plx
    plp
    rts
;; swap two words
Swap:
    rep #$20
    lda $10
    pha
    lda $12
    sta $10
    pla
    sta $12
    rts
;; exchange X and Y over the stack
ExchangeIndexes:
    phx
    phy
    plx
    ply
    rts
;; find a zero terminator
Length:
    rep #$10
    sep #$20
    ldx #$0000
-   lda.l Text,x
    beq +
    inx
    bra -
+   stx $00
    rtl
Text:
    db "HELLO",0
;; bytes to WRAM through the port
PortCopy:
    sep #$20
    rep #$10
    ldx #$2000
    stx $2181
    stz $2183
    ldx #$0000
.loop
    lda.l Data,x
    sta $2180
    inx
    cpx #$0004
    bne .loop
    sep #$30
    rts
Data:
    db 1,2,3,4
