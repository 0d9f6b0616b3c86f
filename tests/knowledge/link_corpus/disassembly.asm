; Routines written for the tests of links; rewrite.asm holds thirty of them renamed, moved and edited.
org $018000

MoveSpriteX:
 lda $0D50,x
 asl a
 asl a
 asl a
 asl a
 clc
 adc $0D70,x
 sta $0D70,x
 ldy #$00
 lda $0D50,x
 php
 lsr a
 lsr a
 lsr a
 lsr a
 plp
 bpl .positive
 ora #$F0
 dey
.positive
 adc $0D10,x
 sta $0D10,x
 tya
 adc $0D30,x
 sta $0D30,x
 rts

ClearSpriteSlot:
 stz $0DD0,x
 stz $0D50,x
 stz $0D40,x
 stz $0F80,x
 lda #$FF
 sta $0BC0,x
 stz $0E90,x
 stz $0EF0,x
 rts

FindFreeSlot:
 ldx #$0F
.next
 lda $0DD0,x
 beq .found
 dex
 bpl .next
 sec
 rts
.found
 clc
 rts

FaceTarget:
 lda $22
 sec
 sbc $0D10,x
 sta $00
 bpl .right
 ldy #$01
 eor #$FF
 inc a
 bra .vertical
.right
 ldy #$00
.vertical
 sta $01
 lda $20
 sec
 sbc $0D00,x
 bpl .down
 eor #$FF
 inc a
.down
 cmp $01
 bcc .done
 iny
 iny
.done
 tya
 sta $0DE0,x
 rts

DamageFlash:
 lda $0EF0,x
 beq .normal
 dec $0EF0,x
 and #$0E
 ora $0F50,x
 sta $02
 bra .store
.normal
 lda $0F50,x
 sta $02
.store
 rts

RunTimer:
 lda $0E00,x
 beq .over
 dec $0E00,x
 bne .running
 lda #$20
 sta $012E
.running
 clc
 rts
.over
 sec
 rts

UploadPalette:
 lda #$00
 sta $2121
 lda #$22
 sta $4301
 stz $4300
 ldx #$C500
 stx $4302
 lda #$7E
 sta $4304
 ldx #$0200
 stx $4305
 lda #$01
 sta $420B
 rts

UploadTilemap:
 lda #$80
 sta $2115
 ldx #$6000
 stx $2116
 ldx #$1801
 stx $4300
 ldx #$1000
 stx $4302
 lda #$7F
 sta $4304
 ldx #$0800
 stx $4305
 lda #$01
 sta $420B
 rts

UploadSprites:
 stz $2102
 stz $2103
 lda #$04
 sta $4311
 stz $4310
 ldx #$0800
 stx $4312
 stz $4314
 ldx #$0220
 stx $4315
 lda #$02
 sta $420B
 rts

ReadPads:
 lda $4212
 and #$01
 bne ReadPads
 lda $4218
 sta $00
 lda $4219
 sta $01
 lda $00
 tay
 eor $F6
 and $00
 sta $F4
 sty $F6
 rts

WaitForBlank:
 lda $4212
 bmi WaitForBlank
.begin
 lda $4212
 bpl .begin
 rts

FadeOut:
 lda $13
 beq .dark
 and #$0F
 beq .blank
 dec $13
 clc
 rts
.blank
 lda #$80
 sta $13
.dark
 sec
 rts

FadeIn:
 lda $13
 bpl .lit
 stz $13
.lit
 cmp #$0F
 beq .full
 inc $13
 clc
 rts
.full
 sec
 rts

AddRupees:
 rep #$20
 lda $7EF360
 clc
 adc $00
 cmp #$03E7
 bcc .fits
 lda #$03E7
.fits
 sta $7EF360
 sep #$20
 rts

SpendRupees:
 rep #$20
 lda $7EF360
 cmp $00
 bcc .poor
 sec
 sbc $00
 sta $7EF360
 sep #$20
 clc
 rts
.poor
 sep #$20
 lda #$3C
 sta $012E
 sec
 rts

HealPlayer:
 lda $7EF36D
 clc
 adc $00
 cmp $7EF36C
 bcc .fits
 lda $7EF36C
.fits
 sta $7EF36D
 lda #$0D
 sta $012F
 rts

HurtPlayer:
 lda $031F
 bne .safe
 lda $7EF36D
 sec
 sbc $00
 bcs .alive
 lda #$00
.alive
 sta $7EF36D
 bne .blink
 lda #$12
 sta $10
.blink
 lda #$3A
 sta $031F
.safe
 rts

DrawDigits:
 ldy #$00
.hundreds
 cmp #$64
 bcc .tens
 sbc #$64
 iny
 bra .hundreds
.tens
 sty $0F00
 ldy #$00
.more
 cmp #$0A
 bcc .ones
 sbc #$0A
 iny
 bra .more
.ones
 sty $0F01
 sta $0F02
 rts

Multiply:
 sta $4202
 tya
 sta $4203
 nop
 nop
 nop
 nop
 rep #$20
 lda $4216
 sep #$20
 rts

Divide:
 rep #$20
 lda $00
 sta $4204
 sep #$20
 lda $02
 sta $4206
 nop
 nop
 nop
 nop
 nop
 nop
 nop
 nop
 ldx $4214
 ldy $4216
 rts

NextRandom:
 lda $0FA1
 asl a
 asl a
 clc
 adc $0FA1
 adc #$11
 eor $1A
 sta $0FA1
 rts

DispatchState:
 lda $0D80,x
 asl a
 tay
 rep #$20
 lda StateTable,y
 sta $00
 sep #$20
 jmp ($0000)

StateTable:
 dw RunTimer, DamageFlash

LoadRoom:
 rep #$30
 lda $A0
 asl a
 clc
 adc $A0
 tax
 lda RoomPointers,x
 sta $B7
 sep #$20
 lda RoomPointers+2,x
 sta $B9
 ldy #$0000
 lda [$B7],y
 sta $0414
 sep #$30
 rts

RoomPointers:
 dl $0A8000, $0A8123

Decompress:
 lda [$00],y
 iny
 cmp #$FF
 beq .end
 sta $02
 and #$E0
 cmp #$20
 beq .fill
 lda $02
 and #$1F
 sta $03
.copy
 lda [$00],y
 iny
 sta $7F0000,x
 inx
 dec $03
 bpl .copy
 bra Decompress
.fill
 lda $02
 and #$1F
 sta $03
 lda [$00],y
 iny
.repeat
 sta $7F0000,x
 inx
 dec $03
 bpl .repeat
 bra Decompress
.end
 rts

ClearMemory:
 rep #$30
 ldx #$01FE
 lda #$0000
.clear
 sta $0200,x
 sta $0400,x
 sta $0600,x
 dex
 dex
 bpl .clear
 sep #$30
 rts

CheckTouch:
 lda $00
 sec
 sbc $04
 clc
 adc $02
 cmp $06
 bcs .apart
 lda $01
 sec
 sbc $05
 clc
 adc $03
 cmp $07
 bcs .apart
 sec
 rts
.apart
 clc
 rts

SetHitbox:
 lda $0F60,x
 and #$1F
 tay
 lda $0D10,x
 clc
 adc BoxX,y
 sta $04
 lda BoxW,y
 sta $06
 lda $0D00,x
 clc
 adc BoxY,y
 sta $05
 lda BoxH,y
 sta $07
 rts

BoxX:
 db 2, 3
BoxW:
 db 12, 1
BoxY:
 db 0, 3
BoxH:
 db 14, 1

SendToSound:
 sta $2140
.wait
 cmp $2140
 bne .wait
 stz $2140
.again
 lda $2140
 bne .again
 rts

PlaySong:
 cmp $0130
 beq .same
 sta $012C
 sta $0130
 lda #$F1
 sta $2141
.same
 rts

SpawnEnemy:
 jsr FindFreeSlot
 bcs .full
 lda $00
 sta $0E20,x
 lda #$08
 sta $0DD0,x
 lda $01
 sta $0D10,x
 lda $02
 sta $0D30,x
 lda $03
 sta $0D00,x
 lda $04
 sta $0D20,x
 stz $0F20,x
.full
 rts

Shake:
 lda $1A
 and #$01
 tay
 lda ShakeTable,y
 clc
 adc $E2
 sta $011A
 lda $0F30
 beq .calm
 dec $0F30
 rts
.calm
 stz $011A
 rts

ShakeTable:
 db 1, $FF

ScrollCamera:
 rep #$20
 lda $22
 sec
 sbc #$0080
 bpl .positive
 lda #$0000
.positive
 cmp $0606
 bcc .inside
 lda $0606
.inside
 sta $E2
 sep #$20
 rts

TestTile:
 rep #$30
 lda $00
 lsr a
 lsr a
 lsr a
 and #$003F
 sta $04
 lda $02
 and #$01F8
 asl a
 asl a
 asl a
 ora $04
 tax
 sep #$20
 lda $7F2000,x
 sep #$10
 rts

OpenDoor:
 lda $7EF36F
 beq .locked
 dec a
 sta $7EF36F
 lda $068C
 ora $00
 sta $068C
 lda #$15
 sta $012F
 sec
 rts
.locked
 lda #$04
 jsr ShowMessage
 clc
 rts

ShowMessage:
 sta $1CF0
 stz $1CF1
 lda $10
 sta $010C
 lda #$0E
 sta $10
 lda #$02
 sta $11
 rts

SortByHeight:
 ldx #$0E
.outer
 lda $0D00,x
 cmp $0D01,x
 bcc .fine
 pha
 lda $0D01,x
 sta $0D00,x
 pla
 sta $0D01,x
.fine
 dex
 bpl .outer
 rts

SaveGame:
 phb
 lda #$70
 pha
 plb
 rep #$30
 ldy #$0000
 tyx
 stz $04
.copy
 lda $7EF000,x
 sta $0000,y
 clc
 adc $04
 sta $04
 inx
 inx
 iny
 iny
 cpx #$04FE
 bne .copy
 lda #$5A5A
 sec
 sbc $04
 sta $0000,y
 sep #$30
 plb
 rts

MosaicStep:
 lda $95
 clc
 adc #$10
 sta $95
 sta $2106
 cmp #$F0
 rts

SwordBeam:
 lda $7EF359
 cmp #$02
 bcc .none
 lda $7EF36C
 cmp $7EF36D
 bne .none
 ldy #$04
.seek
 lda $0C4A,y
 beq .here
 dey
 bpl .seek
.none
 rts
.here
 lda #$0C
 sta $0C4A,y
 lda $2F
 lsr a
 sta $0C72,y
 rts

CopyName:
 ldy #$05
.letter
 lda ($C8),y
 and #$7F
 cmp #$20
 bne .plain
 lda #$00
.plain
 sta $7003D9,x
 inx
 dey
 bpl .letter
 rts

Parallax:
 rep #$20
 lda $E2
 lsr a
 sta $E0
 lda $E8
 lsr a
 lsr a
 sta $E6
 sep #$20
 lda $E0
 sta $210D
 lda $E1
 sta $210D
 rts
