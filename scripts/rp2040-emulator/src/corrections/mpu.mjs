// The memory protection unit: eight regions, as in every RP2040. rp2040js has none.
//
// Regions are powers of two from 256 bytes up, each cut into eight parts that can be switched off. Where regions
// overlap, the one with the highest number decides.

import { Access } from './guard.mjs';
import { replaceRegisters } from '../registers.mjs';

const REGIONS = 8;
const SMALLEST_SIZE_LOG2 = 8;

const TYPE = 0xd90;
const CTRL = 0xd94;
const RNR = 0xd98;
const RBAR = 0xd9c;
const RASR = 0xda0;

const CTRL_ENABLE = 1 << 0;
/** The MPU stays on in the handlers of HardFault and NMI. */
const CTRL_HFNMIENA = 1 << 1;
/** Privileged code may use what no region covers. */
const CTRL_PRIVDEFENA = 1 << 2;

const RBAR_VALID = 1 << 4;
const RBAR_ADDRESS = ~0xff;
const RASR_ENABLE = 1 << 0;
const RASR_XN = 1 << 28;

/** What each value of the AP field allows, to privileged code and to all other: '', 'r' or 'rw'. */
const PERMISSIONS = [
    { privileged: '', unprivileged: '' },
    { privileged: 'rw', unprivileged: '' },
    { privileged: 'rw', unprivileged: 'r' },
    { privileged: 'rw', unprivileged: 'rw' },
    { privileged: '', unprivileged: '' },
    { privileged: 'r', unprivileged: '' },
    { privileged: 'r', unprivileged: 'r' },
    { privileged: 'r', unprivileged: 'r' },
];

export class Mpu {
    #core;
    #control = 0;
    #selected = 0;
    #base = new Uint32Array(REGIONS);
    #attributes = new Uint32Array(REGIONS);

    /**
     * @param {RP2040} mcu
     * @param {Guard} guard asks it about every access while it is enabled
     */
    constructor(mcu, guard) {
        this.#core = mcu.core;
        guard.mpu = this;
        replaceRegisters(mcu.ppb, {
            [TYPE]: { read: () => REGIONS << 8 },
            [CTRL]: {
                read: () => this.#control,
                write: (value) => {
                    this.#control = value & (CTRL_ENABLE | CTRL_HFNMIENA | CTRL_PRIVDEFENA);
                    guard.update();
                },
            },
            [RNR]: { read: () => this.#selected, write: (value) => (this.#selected = value % REGIONS) },
            [RBAR]: {
                read: () => this.#base[this.#selected] | this.#selected,
                write: (value) => {
                    if (value & RBAR_VALID) {
                        this.#selected = value % REGIONS;
                    }
                    this.#base[this.#selected] = value & RBAR_ADDRESS;
                },
            },
            [RASR]: {
                read: () => this.#attributes[this.#selected],
                write: (value) => (this.#attributes[this.#selected] = value),
            },
        });
    }

    get isEnabled() {
        return (this.#control & CTRL_ENABLE) !== 0;
    }

    /** Whether an access may be made. */
    permits(address, access, privileged) {
        const inFaultHandler = this.#core.IPSR === 2 || this.#core.IPSR === 3;
        if (inFaultHandler && !(this.#control & CTRL_HFNMIENA)) {
            return true;
        }
        for (let region = REGIONS - 1; region >= 0; region--) {
            if (this.#covers(region, address)) {
                return allows(this.#attributes[region], access, privileged);
            }
        }
        return privileged && (this.#control & CTRL_PRIVDEFENA) !== 0;
    }

    #covers(region, address) {
        const attributes = this.#attributes[region];
        const sizeLog2 = ((attributes >>> 1) & 0x1f) + 1;
        if (!(attributes & RASR_ENABLE) || sizeLog2 < SMALLEST_SIZE_LOG2) {
            return false;
        }
        // All addresses, and a shift by 32 would do nothing.
        const inside = sizeLog2 === 32 || (address ^ this.#base[region]) >>> sizeLog2 === 0;
        const part = (address >>> (sizeLog2 - 3)) & 7;
        const switchedOff = (attributes >>> (8 + part)) & 1;
        return inside && !switchedOff;
    }
}

function allows(attributes, access, privileged) {
    const { privileged: own, unprivileged: others } = PERMISSIONS[(attributes >>> 24) & 7];
    const allowed = privileged ? own : others;
    switch (access) {
        case Access.WRITE:
            return allowed === 'rw';
        case Access.EXECUTE:
            return allowed !== '' && !(attributes & RASR_XN);
        default:
            return allowed !== '';
    }
}
