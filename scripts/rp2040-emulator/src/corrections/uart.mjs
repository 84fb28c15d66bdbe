// A UART as the chip has it, a PL011: two FIFOs of 32 bytes, a line that takes its time, and interrupts by level.
//
// In rp2040js bytes leave at once, and the transmit interrupt is always pending, which is a storm as soon as it is
// unmasked. The receive interrupt comes with each byte, and no byte is ever lost.
//
// ```text
//  write ──▶ [transmit FIFO] ──▶ shift register ──▶ onByte      one character's time each
//                  └ falls to its trigger level: TXRIS, until it is above again or cleared
//  read  ◀── [receive FIFO] ◀── receive                         full: the byte is lost, the next one says so
//                  ├ at or above its trigger level: RXRIS
//                  └ not empty, and nothing came for 32 bits' time: RTRIS
// ```
//
// Not here: DMA, the modem lines but for RTS, and the IrDA mode.

const DR = 0x00;
const RSR = 0x04;
const FR = 0x18;
const IBRD = 0x24;
const FBRD = 0x28;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;
const DMACR = 0x48;
const IDENTIFICATION = 0xfe0;
const IDENTIFICATION_BYTES = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

const FR_BUSY = 1 << 3;
const FR_RXFE = 1 << 4;
const FR_TXFF = 1 << 5;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;

const LCR_PEN = 1 << 1;
const LCR_STP2 = 1 << 3;
const LCR_FEN = 1 << 4;

const CR_UARTEN = 1 << 0;
const CR_LBE = 1 << 7;
const CR_TXE = 1 << 8;
const CR_RXE = 1 << 9;
const CR_RTS = 1 << 11;
const CR_RTSEN = 1 << 14;

/** In an entry of the receive FIFO: a byte before this one was lost. */
const OVERRUN = 1 << 11;

const RX = 1 << 4;
const TX = 1 << 5;
const RT = 1 << 6;
const OE = 1 << 10;

const FIFO = 32;
/** Entries at which a FIFO's interrupt comes, by the values of IFLS. */
const TRIGGER_LEVELS = [4, 8, 16, 24, 28];
const IFLS_AFTER_RESET = 0x12;
const RECEIVE_TIMEOUT_BITS = 32;
/** Before the divisor is set the line has no speed; something has to be assumed. */
const DEFAULT_BAUD = 115_200;

const ATOMIC = [
    (_old, written) => written,
    (old, written) => old ^ written,
    (old, written) => old | written,
    (old, written) => old & ~written,
];

export class Uart {
    /** Takes each byte when its last bit has left. */
    onByte = (_byte) => {};
    /** Is called when the chip begins to take bytes, or to hold them back. */
    onHold = () => {};

    #mcu;
    #interrupt;
    #sending = [];
    /** The byte whose bits are leaving, or nothing. */
    #shifting = null;
    #received = [];
    #overrun = false;
    #raw = 0;
    #mask = 0;
    #control = CR_TXE | CR_RXE;
    #lineControl = 0;
    #levels = IFLS_AFTER_RESET;
    #divisorInteger = 0;
    #divisorFraction = 0;
    /** In 64ths, as of the last write to LCR_H, which makes the two above effective. */
    #divisor = 0;
    #dmaControl = 0;
    #sent;
    #timeout;

    /**
     * @param {RP2040} mcu
     * @param {number} interrupt its number
     */
    constructor(mcu, interrupt) {
        this.#mcu = mcu;
        this.#interrupt = interrupt;
        this.#sent = mcu.clock.createAlarm(() => this.#characterSent());
        this.#timeout = mcu.clock.createAlarm(() => this.#raise(RT));
    }

    // ---- The line.

    /** How long a byte is on the line, from its start bit to its last stop bit. */
    get characterNanos() {
        const dataBits = 5 + ((this.#lineControl >>> 5) & 3);
        const parityBits = this.#lineControl & LCR_PEN ? 1 : 0;
        const stopBits = this.#lineControl & LCR_STP2 ? 2 : 1;
        return (1 + dataBits + parityBits + stopBits) * this.#bitNanos;
    }

    /** Nothing waits to be sent, and nothing is leaving. */
    get isSilent() {
        return this.#shifting === null && this.#sending.length === 0;
    }

    /** Everything that has arrived has been read. */
    get isRead() {
        return this.#received.length === 0;
    }

    /** RTS: the far end may send. */
    get takesBytes() {
        if (this.#control & CR_RTSEN) {
            return this.#received.length < this.#receiveTrigger;
        }
        return (this.#control & CR_RTS) !== 0;
    }

    /** A byte has arrived. */
    receive(byte) {
        if (!(this.#control & CR_UARTEN) || !(this.#control & CR_RXE)) {
            return;
        }
        if (this.#received.length >= this.#capacity) {
            this.#overrun = true;
            this.#raise(OE);
            return;
        }
        this.#received.push(this.#overrun ? byte | OVERRUN : byte);
        this.#overrun = false;
        this.#timeout.schedule(RECEIVE_TIMEOUT_BITS * this.#bitNanos);
        if (this.#received.length >= this.#receiveTrigger) {
            this.#raise(RX);
        }
        this.onHold();
    }

    // ---- The registers. To rp2040js this is one of its peripherals.

    readUint32(offset) {
        switch (offset & 0xfff) {
            case DR:
                return this.#read();
            case RSR:
                return 0;
            case FR:
                return this.#flags();
            case IBRD:
                return this.#divisorInteger;
            case FBRD:
                return this.#divisorFraction;
            case LCR_H:
                return this.#lineControl;
            case CR:
                return this.#control;
            case IFLS:
                return this.#levels;
            case IMSC:
                return this.#mask;
            case RIS:
                return this.#raw;
            case MIS:
                return this.#raw & this.#mask;
            case DMACR:
                return this.#dmaControl;
            default:
                return IDENTIFICATION_BYTES[((offset & 0xfff) - IDENTIFICATION) / 4] ?? 0;
        }
    }

    writeUint32Atomic(offset, written, kind) {
        const old = kind === 0 ? 0 : this.readUint32(offset);
        this.#write(offset, ATOMIC[kind](old, written) >>> 0);
    }

    /** rp2040js says that the clock of the peripherals has changed; it is looked at for each byte anyway. */
    clkPeriChanged() {}

    #write(offset, value) {
        switch (offset) {
            case DR:
                this.#send(value & 0xff);
                break;
            case IBRD:
                this.#divisorInteger = value & 0xffff;
                break;
            case FBRD:
                this.#divisorFraction = value & 0x3f;
                break;
            case LCR_H:
                this.#lineControl = value & 0xff;
                this.#divisor = this.#divisorInteger * 64 + this.#divisorFraction;
                break;
            case CR:
                this.#control = value & 0xffff;
                this.#shiftNext();
                this.onHold();
                break;
            case IFLS:
                this.#levels = value & 0x3f;
                break;
            case IMSC:
                this.#mask = value & 0x7ff;
                this.#updateInterrupt();
                break;
            case ICR:
                this.#clear(value);
                break;
            case DMACR:
                this.#dmaControl = value & 7;
                break;
        }
    }

    // ---- Sending.

    #send(byte) {
        if (this.#sending.length < this.#capacity) {
            this.#sending.push(byte);
        }
        this.#shiftNext();
        if (this.#sending.length > this.#sendTrigger) {
            this.#lower(TX);
        }
    }

    #shiftNext() {
        const enabled = this.#control & CR_UARTEN && this.#control & CR_TXE;
        if (!enabled || this.#shifting !== null || this.#sending.length === 0) {
            return;
        }
        const before = this.#sending.length;
        this.#shifting = this.#sending.shift();
        this.#sent.schedule(this.characterNanos);
        if (before > this.#sendTrigger && this.#sending.length <= this.#sendTrigger) {
            this.#raise(TX);
        }
    }

    #characterSent() {
        const byte = this.#shifting;
        this.#shifting = null;
        this.#shiftNext();
        if (this.#control & CR_LBE) {
            this.receive(byte);
        } else {
            this.onByte(byte);
        }
    }

    // ---- Receiving.

    #read() {
        const entry = this.#received.shift() ?? 0;
        if (this.#received.length < this.#receiveTrigger) {
            this.#lower(RX);
        }
        if (this.#received.length === 0) {
            this.#timeout.cancel();
            this.#lower(RT);
        }
        this.onHold();
        return entry;
    }

    // ---- Levels and interrupts.

    get #bitNanos() {
        return this.#divisor === 0 ? 1e9 / DEFAULT_BAUD : (this.#divisor / 64) * 16 * (1e9 / this.#mcu.clkPeri);
    }

    get #capacity() {
        return this.#lineControl & LCR_FEN ? FIFO : 1;
    }

    /** At most so many entries left to send raise the interrupt. */
    get #sendTrigger() {
        return this.#lineControl & LCR_FEN ? triggerLevel(this.#levels & 7) : 0;
    }

    /** At least so many entries to read raise the interrupt. */
    get #receiveTrigger() {
        return this.#lineControl & LCR_FEN ? triggerLevel(this.#levels >>> 3) : 1;
    }

    #flags() {
        return (
            (this.isSilent ? 0 : FR_BUSY) |
            (this.#received.length === 0 ? FR_RXFE : 0) |
            (this.#sending.length >= this.#capacity ? FR_TXFF : 0) |
            (this.#received.length >= this.#capacity ? FR_RXFF : 0) |
            (this.#sending.length === 0 ? FR_TXFE : 0)
        );
    }

    /** Cleared by software. Bytes that wait on make the timeout run anew. */
    #clear(bits) {
        if (bits & RT && this.#received.length > 0) {
            this.#timeout.schedule(RECEIVE_TIMEOUT_BITS * this.#bitNanos);
        }
        this.#lower(bits);
    }

    #raise(bits) {
        this.#raw |= bits;
        this.#updateInterrupt();
    }

    #lower(bits) {
        this.#raw &= ~bits;
        this.#updateInterrupt();
    }

    #updateInterrupt() {
        this.#mcu.setInterrupt(this.#interrupt, (this.#raw & this.#mask) !== 0);
    }
}

function triggerLevel(field) {
    return TRIGGER_LEVELS[Math.min(field & 7, TRIGGER_LEVELS.length - 1)];
}
