// The serial cable at UART0: GPIO 0 is what the chip sends, GPIO 1 what it receives, GPIO 3 (RTS) whether it may be
// sent anything.
//
// Bytes for the chip wait here, and arrive one after the other at the speed that the image has set, in simulated time.
// A pin that the image has not switched to the UART is not connected: what it would carry is lost, and without RTS
// nothing holds back the bytes, as on a cable with three wires.

const UART = 0;
const TX_PIN = 0;
const RX_PIN = 1;
const RTS_PIN = 3;
/** In a pin's CTRL register. */
const FUNCTION_UART = 2;

export class Line {
    #chip = null;
    #waiting = [];
    #arrival = null;
    #onByte;

    /** @param {(byte: number) => void} onByte takes what the chip sends */
    constructor(onByte) {
        this.#onByte = onByte;
    }

    /** Plugs the cable into a chip, and out of the one before. What waits is sent to the new one. */
    plug(chip) {
        this.#chip = chip;
        this.#arrival = null;
        const uart = chip.uarts[UART];
        uart.onByte = (byte) => {
            if (this.#isConnected(TX_PIN)) {
                this.#onByte(byte);
            }
        };
        uart.onHold = () => this.#send();
        this.#send();
    }

    /** Sends bytes to the chip, from now on. */
    type(bytes) {
        for (const byte of bytes) {
            this.#waiting.push(byte);
        }
        this.#send();
    }

    /** The chip has read all that it was sent, and has sent all that it had to send. */
    get isQuiet() {
        const uart = this.#chip.uarts[UART];
        return this.#waiting.length === 0 && this.#arrival === null && uart.isRead && uart.isSilent;
    }

    /** The chip has sent all that it had to send. */
    get isSilent() {
        return this.#chip.uarts[UART].isSilent;
    }

    #send() {
        if (this.#chip === null) {
            return;
        }
        const uart = this.#chip.uarts[UART];
        const held = this.#isConnected(RTS_PIN) && !uart.takesBytes;
        if (this.#arrival !== null || this.#waiting.length === 0 || held) {
            return;
        }
        const byte = this.#waiting.shift();
        this.#arrival = this.#chip.clock.createAlarm(() => {
            this.#arrival = null;
            if (this.#isConnected(RX_PIN)) {
                uart.receive(byte);
            }
            this.#send();
        });
        this.#arrival.schedule(uart.characterNanos);
    }

    #isConnected(pin) {
        return this.#chip.mcu.gpio[pin].functionSelect === FUNCTION_UART;
    }
}
