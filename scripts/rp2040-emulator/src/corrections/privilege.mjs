// Unprivileged threads that cannot give themselves privileges.
//
// rp2040js keeps CONTROL.nPRIV, but lets unprivileged code clear it, and mask interrupts. On the chip such instructions do
// nothing, without a fault. (That it cannot touch the core's registers either is the guard's affair.)

import { SpecialRegister } from './exceptions.mjs';

const CPSIE = 0xb662;
const CPSID = 0xb672;

export class Privilege {
    #mcu;
    #guard;

    /**
     * @param {RP2040} mcu
     * @param {Guard} guard
     */
    constructor(mcu, guard) {
        this.#mcu = mcu;
        this.#guard = guard;
        const { core } = mcu;
        const read = core.readSpecialRegister.bind(core);
        const write = core.writeSpecialRegister.bind(core);
        core.readSpecialRegister = (register) => (guard.isPrivileged || isReadableByAll(register) ? read(register) : 0);
        core.writeSpecialRegister = (register, value) => {
            if (guard.isPrivileged || isFlags(register)) {
                write(register, value);
                guard.update();
            }
        };
    }

    /**
     * Whether the instruction at an address does nothing, for lack of privilege: masking and unmasking interrupts, which
     * the core does without asking anybody.
     */
    ignores(pc) {
        if (this.#guard.isPrivileged) {
            return false;
        }
        const instruction = this.#mcu.readUint16(pc);
        return instruction === CPSIE || instruction === CPSID;
    }
}

/** APSR alone and in company. */
function isFlags(register) {
    return register <= SpecialRegister.XPSR;
}

function isReadableByAll(register) {
    return register < SpecialRegister.MSP || register === SpecialRegister.CONTROL;
}
