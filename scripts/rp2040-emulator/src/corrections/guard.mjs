// Which accesses the core refuses to make: what privilege forbids, what the MPU forbids, and flash while it is not mapped.
//
// Most code runs privileged, without the MPU, and from flash. Then the guard is not active, and costs one look per access.

import { Fault } from '../fault.mjs';
import { isFlash, isPrivate } from '../memory-map.mjs';
import { HANDLER } from './exceptions.mjs';

export const Access = { READ: 'read', WRITE: 'write', EXECUTE: 'execution' };

export class Guard {
    #flashIsMapped;

    /** @param {CortexM0Core} core */
    constructor(core) {
        this.core = core;
        /** Whether there is anything to look at. */
        this.isActive = false;
        this.mpu = null;
        this.#flashIsMapped = true;
    }

    /** To be called when the MPU was switched on or off, or the privilege of threads changed. */
    update() {
        this.isActive = this.core.nPRIV || (this.mpu?.isEnabled ?? false) || !this.#flashIsMapped;
    }

    get flashIsMapped() {
        return this.#flashIsMapped;
    }

    set flashIsMapped(isMapped) {
        this.#flashIsMapped = isMapped;
        this.update();
    }

    /** Handlers are always privileged, threads unless CONTROL says otherwise. */
    get isPrivileged() {
        return this.core.currentMode === HANDLER || !this.core.nPRIV;
    }

    checkRead(address) {
        this.#check(address, Access.READ);
    }

    checkWrite(address) {
        this.#check(address, Access.WRITE);
    }

    checkExecute(address) {
        this.#check(address, Access.EXECUTE);
    }

    #check(address, access) {
        const privileged = this.isPrivileged;
        if (isPrivate(address)) {
            // The MPU has no say over the core's own registers.
            if (!privileged) {
                throw new Fault(`unprivileged ${access} of the core's registers`, address);
            }
        } else if (this.mpu?.isEnabled && !this.mpu.permits(address, access, privileged)) {
            throw new Fault(`${access} refused by the MPU`, address);
        } else if (!this.#flashIsMapped && isFlash(address)) {
            throw new Fault(`${access} of flash that is not mapped`, address);
        }
    }
}
