;; pha without pla => AFS401@5
    sep #$20
    pha
    lda #$12
    sta $10
    rts
;; php without plp => AFS401
Work:
    php
    rep #$30
    lda #$1234
    sta $10
    rtl
;; phb without plb => AFS401
    phb
    phk
    plb
    lda $8000
    sta $10
    rtl
;; early return between push and pull => AFS401@5
    sep #$30
    phx
    lda $10
    bne go
    rts
go:
    ldx #$02
    stx $12
    plx
    rts
;; pull without push => AFS401
    sep #$20
    inc $10
    pla
    rts
;; two pushes, one pull => AFS401
    rep #$30
    pha
    phx
    ldx #$0000
    stx $10
    plx
    rts
;; phd at an rti => AFS401
NMI:
    rep #$30
    pha
    phd
    sep #$20
    lda.l $004210
    rep #$20
    pla
    rti
;; balanced => clean
    rep #$30
    pha
    phx
    phy
    php
    sep #$30
    ldx #$01
    stx $10
    plp
    ply
    plx
    pla
    rts
;; both returns balanced => clean
    sep #$30
    phx
    lda $10
    bne go
    plx
    rts
go:
    ldx #$02
    stx $12
    plx
    rts
;; return address dropped => clean
    pla
    pla
    rts
;; return through a pushed address => clean
    pea There-1
    rts
There:
    inc $10
    rts
;; argument over the stack, cleaned by the caller => clean
main:
    rep #$20
    lda $10
    pha
    jsr Take
    pla
    sep #$20
    rts
Take:
    lda $03,s
    sta $12
    rts
;; 8 bits pushed, 16 pulled => AFS402
    sep #$20
    pha
    inc $10
    rep #$20
    pla
    sta $12
    sep #$20
    rts
;; 16 bits pushed, 8 pulled => AFS402
    rep #$20
    pha
    sep #$20
    inc $10
    pla
    rts
;; index pulled in another width => AFS402
    rep #$10
    phx
    sep #$10
    ldx #$05
    stx $10
    plx
    rts
;; handler pulls 8 bits => AFS402
NMI:
    rep #$30
    pha
    phx
    phy
    sep #$30
    lda.l $004210
    tax
    tay
    stx $10
    sty $11
    ply
    plx
    pla
    rti
;; two bytes joined to a word => clean
    sep #$20
    lda $10
    pha
    lda $11
    pha
    rep #$20
    pla
    sta $12
    sep #$20
    rts
;; a word split in two banks => clean
    phb
    pea $7E80
    plb
    plb
    lda $2000
    sta $10
    plb
    rts
;; pushes in 16 bits, pulls in 16 bits, 8 between => clean
    rep #$20
    pha
    sep #$20
    inc $10
    rep #$20
    pla
    sep #$20
    rts
;; plb and pld the wrong way round => AFS403@10
Work:
    phd
    phb
    rep #$20
    lda #$0000
    tcd
    sep #$20
    lda $10
    sta $12
    pld
    plb
    rtl
;; registers come back exchanged => AFS403
    rep #$30
    phx
    phy
    ldx #$0001
    ldy #$0002
    stx $10
    sty $12
    plx
    ply
    rts
;; plb of php => AFS403
    php
    phb
    sep #$20
    lda #$12
    sta.l $7E0010
    plp
    plb
    rts
;; opposite order => clean
    rep #$30
    phx
    phy
    ldx #$0001
    ldy #$0002
    stx $10
    sty $12
    ply
    plx
    rts
;; register moved over the stack => clean
    rep #$30
    phx
    ply
    sty $10
    pha
    plx
    stx $12
    rts
;; push on one path only => AFS404
    sep #$30
    lda $10
    bne skip
    pha
    inc $11
skip:
    lda $12
    sta $14
    rts
;; pull on one path only => AFS404
    sep #$30
    pha
    lda $10
    bne skip
    pla
skip:
    inc $12
    rts
;; pushes in a loop, pulls in a loop => clean
    sep #$30
    ldx #$04
-   lda $10,x
    pha
    dex
    bne -
    ldx #$04
-   pla
    sta $20,x
    dex
    bne -
    rts
;; conditional return address => clean
    lda $10
    beq done
    pea Extra-1
done:
    inc $12
    rts
Extra:
    inc $14
    rts
;; data bank left at WRAM => AFS405
    sep #$20
    lda #$7E
    pha
    plb
    lda $9000
    sta $9002
    rts
;; block move leaves the data bank => AFS405
Copy:
    rep #$30
    ldx #$8000
    ldy #$2000
    lda #$00FF
    mvn $7E,$02
    sep #$30
    rtl
;; data bank of the code left behind => AFS405
Long:
    phk
    plb
    lda.w Table
    sta $10
    lda.w Table+1
    sta $11
    rtl
Table:
    db 1,2
;; data bank restored => clean
Long:
    phb
    phk
    plb
    lda.w Table
    sta $10
    lda.w Table+1
    sta $11
    plb
    rtl
Table:
    db 1,2
;; block move between phb and plb => clean
Copy:
    phb
    rep #$30
    ldx #$8000
    ldy #$2000
    lda #$00FF
    mvn $7E,$02
    plb
    sep #$30
    rtl
;; data bank of P saved by the only caller, a handler => clean
NMI:
    rep #$30
    phb
    pha
    phx
    phy
    phd
    jsl Update
    rep #$30
    pld
    ply
    plx
    pla
    plb
    rti
Update:
    sep #$30
    phk
    plb
    lda $4210
    lda $1234
    sta $10
    rtl
;; data bank set anew by every caller => clean
Main:
    phb
    sep #$30
    jsl Load
    phk
    plb
    lda Table
    sta $12
    plb
    rtl
Table:
    db $01,$02
Load:
    lda #$7E
    pha
    plb
    lda $8000
    sta $10
    rtl
;; data bank that the caller still needs => AFS405@19 AFS702@7
Main:
    phb
    sep #$30
    phk
    plb
    jsl Load
    lda Table
    sta $12
    plb
    rtl
Table:
    db $01,$02
Load:
    lda #$7E
    pha
    plb
    lda $8000
    sta $10
    rtl
;; D that the only caller saved => clean
Main:
    rep #$30
    phd
    jsr Work
    pld
    rts
Work:
    lda #$2100
    tcd
    sep #$20
    lda #$80
    sta $00
    rts
;; saved data bank comes back into A => AFS403@7
    sep #$20
    phb
    pha
    plb
    lda $10
    sta $12
    pla
    rts
;; saved data bank comes back into A behind a known one => AFS403@8
    sep #$20
    phb
    lda #$7E
    pha
    plb
    lda $1234
    sta $1236
    pla
    rts
;; phd and phx pulled in the order of the pushes => AFS403@7
    rep #$30
    phd
    phx
    lda #$0000
    tcd
    sta $10
    pld
    plx
    rts
;; php and pha pulled in the order of the pushes => AFS403@6
    sep #$20
    php
    pha
    lda #$05
    sta $10
    plp
    pla
    rts
;; saved P comes back into A => AFS403@8
    sep #$30
    php
    phx
    plp
    lda $10
    adc $12
    sta $10
    ply
    rts
;; data bank from A, the old one put back => clean
    sep #$20
    phb
    pha
    plb
    lda $1234
    sta $10
    plb
    rts
;; data bank and A exchanged at once => clean
    sep #$20
    phb
    pha
    plb
    pla
    rts
;; P read into A => clean
    sep #$20
    php
    pla
    sta $10
    rts
;; saved P dropped on the way that answers in the carry => clean
    sep #$20
    php
    rep #$20
    lda $10
    cmp #$0100
    sep #$20
    bcs no
    plp
    clc
    rts
no:
    pla
    rts
;; D read through the stack => clean
    rep #$30
    phd
    tya
    sta $10
    pla
    sta $12
    rts
