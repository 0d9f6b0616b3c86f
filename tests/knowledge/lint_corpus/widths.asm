;; 16-bit immediate in 8-bit A => AFS201@3
    sep #$30
    ldx #$10
    lda #$0100
    sta $10,x
    rts
;; 8-bit immediate in 16-bit A => AFS201@2
    rep #$30
    lda #$05
    sta $10
    rts
;; 8-bit index immediate in 16-bit X => AFS201@3
    rep #$30
    lda #$0000
    ldx #$00
    sta $10,x
    rts
;; 16-bit compare in 8-bit Y => AFS201@5
    sep #$30
    ldy #$00
loop:
    iny
    cpy #$0100
    bne loop
    rts
;; rep of the other flag => AFS201@3
    sep #$20
    rep #$10
    lda #$1234
    ldx #$1234
    rts
;; width lost in a subroutine => AFS201@4
main:
    sep #$20
    jsr Work
    lda #$12
    sta $10
    rts
Work:
    rep #$20
    inc $12
    rts
;; width lost two calls deep => AFS201@5
main:
    sep #$30
    lda #$00
    jsr Outer
    ldx #$12
    stx $10
    rts
Outer:
    jsr Inner
    inc $12
    rts
Inner:
    rep #$10
    ldx #$0100
    stx $14
    rts
;; width after plp is the one at php => AFS201@6
    sep #$20
    php
    rep #$20
    lda #$1234
    plp
    lda #$5678
    sta $10
    rts
;; contradiction between two immediates of one entry => AFS201@4
Entry:
    lda #$1234
    sta $10
    lda #$12
    sta $12
    rts
;; only one branch changes the width => AFS201@7
    sep #$20
    lda $10
    bne other
    rep #$20
    stz $12
other:
    lda #$12
    sta $14
    rts
;; after xce A is still 8 bits => AFS201@3
    clc
    xce
    lda #$1234
    sta $10
    rts
| entry e=1
;; reset code before rep => AFS201@5
Reset:
    sei
    clc
    xce
    ldx #$1FFF
    txs
loop:
    bra loop
org $00FFFC
    dw Reset
;; 16-bit code between rep and sep => clean
    rep #$30
    lda #$1234
    ldx #$0010
    sta $10,x
    sep #$30
    lda #$12
    ldx #$01
    sta $10,x
    rts
;; width of a label decides nothing => clean
    rep #$20
    lda.w #Target
    sta $10
    sep #$20
    rts
Target:
    db 0
;; each branch sets its own width => clean
    lda $10
    beq wide
    sep #$20
    lda #$12
    bra done
wide:
    rep #$20
    lda #$1234
done:
    sep #$20
    sta $12
    rts
;; a subroutine restores with plp => clean
main:
    sep #$20
    jsr Work
    lda #$12
    sta $10
    rts
Work:
    php
    rep #$20
    lda #$1234
    sta $12
    plp
    rts
;; a wrapper that leaves 16 bits and code that knows => clean
main:
    sep #$20
    jsr Wide
    lda #$1234
    sta $10
    sep #$20
    rts
Wide:
    rep #$20
    rts
;; sep and rep of other flags do not change widths => clean
    sep #$20
    rep #$09
    lda #$12
    sep #$01
    adc #$10
    sta $10
    rts
;; unknown width after plp from the caller => clean
    plp
    lda #$12
    sta $10
    rts
;; bytes alone on two paths => AFS101 | bytes
main:
    lda $10
    beq wide
    sep #$20
    bra both
wide:
    rep #$20
both:
    adc #$EA
    nop
    sta $12
    rts
;; bytes alone, one width => clean | bytes
main:
    sep #$20
    lda #$12
    sta $10
    rep #$20
    lda #$1234
    sta $10
    sep #$20
    rts
;; emulation mode keeps 8 bits => AFS102@3
    sec
    xce
    rep #$20
    inc $10
    rts
;; emulation mode on reset => AFS102@4
Reset:
    sei
    cld
    rep #$30
loop:
    bra loop
org $00FFFC
    dw Reset
;; native mode first => clean
Reset:
    sei
    clc
    xce
    rep #$30
    ldx #$1FFF
    txs
loop:
    bra loop
org $00FFFC
    dw Reset
;; rep of the carry in emulation mode => clean
    sec
    xce
    rep #$01
    inc $10
    rts
;; sep twice => AFS301@4
    sep #$30
    lda #$12
    sta $10
    sep #$20
    lda #$34
    sta $11
    rts
;; rep twice with work between => AFS301@5
    rep #$20
    inc $10
    inc $12
    lda $10
    rep #$20
    sta $14
    sep #$20
    rts
;; half of the mask is new => clean
    sep #$20
    inc $10
    sep #$30
    ldx #$12
    stx $11
    rts
;; a label lies between => clean
    sep #$20
    inc $10
again:
    sep #$20
    dec $11
    bne again
    rts
;; returns in two widths => AFS302
    rep #$20
    lda $10
    bne narrow
    rts
narrow:
    sep #$20
    stz $12
    rts
;; index width differs between returns => AFS302
Find:
    sep #$30
    ldx #$00
loop:
    lda $10,x
    beq found
    inx
    cpx #$10
    bne loop
    rep #$10
    rts
found:
    txa
    rts
;; both returns agree => clean
    rep #$20
    lda $10
    bne narrow
    sep #$20
    rts
narrow:
    sep #$20
    stz $12
    rts
;; entered with 8 bits, left with 16 => AFS303 | entry m=1 x=1
    rep #$20
    lda #$1234
    sta $10
    rts
;; index left wide => AFS303 | entry m=1 x=1
    rep #$10
    ldx #$1234
    stx $10
    rtl
;; caller goes on in the old width => AFS303 AFS901
Main:
    sep #$20
    jsr Clear
    lda $10
    sta $2100
    rts
Clear:
    rep #$20
    stz $20
    stz $22
    rts
;; restored with sep => clean | entry m=1 x=1
    rep #$20
    lda #$1234
    sta $10
    sep #$20
    rts
;; restored with plp => clean | entry m=1 x=1
    php
    rep #$30
    lda #$1234
    sta $10
    plp
    rtl
;; entry unknown, no claim => clean
    rep #$20
    lda $10
    sta $12
    rts
;; join of two widths at a store => AFS304@8
    sep #$20
    lda $10
    cmp #$05
    bcc small
    rep #$20
    inc $12
small:
    sta $14
    sep #$20
    rts
;; join of two widths at a push => AFS304
    rep #$30
    lda $10
    beq skip
    sep #$10
skip:
    phx
    inc $12
    plx
    rep #$10
    rts
;; join before a sep => clean
    sep #$20
    lda $10
    beq wide
    rep #$20
    inc $12
wide:
    sep #$20
    sta $14
    rts
;; join before php and rep => clean
    sep #$20
    lda $10
    beq wide
    rep #$20
    inc $12
wide:
    php
    rep #$20
    inc $14
    plp
    sep #$20
    rts
