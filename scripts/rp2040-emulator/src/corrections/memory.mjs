// Memory accesses that fail as they do on the chip.
//
// rp2040js answers any address (with all ones, if nothing is there) and any alignment. The core of the chip takes a
// HardFault for an access that is not aligned, and the bus answers with an error where nothing is.
//
// This is the hottest code of the emulator beside the core itself, so RAM and flash are looked at first, through views
// of whole words.

import { Fault } from '../fault.mjs';
import { FLASH, RAM, isExecutable, isReadable, isWritable } from '../memory-map.mjs';

/**
 * @param {RP2040} mcu
 * @param {Guard} guard says which accesses privilege and the MPU refuse
 */
export function correctMemory(mcu, guard) {
    const { core } = mcu;
    const ram32 = new Uint32Array(mcu.sram.buffer);
    const ram16 = new Uint16Array(mcu.sram.buffer);
    const ram8 = mcu.sram;
    const flash32 = new Uint32Array(mcu.flash.buffer);
    const flash16 = new Uint16Array(mcu.flash.buffer);
    const flash8 = mcu.flash;

    core.readUint32 = (address) => {
        address >>>= 0;
        if ((address & 3) !== 0) {
            throw new Fault('unaligned read', address);
        }
        if (guard.isActive) {
            guard.checkRead(address);
        }
        const inRam = address - RAM.start;
        if (inRam >= 0 && inRam < RAM.size) {
            return ram32[inRam >>> 2];
        }
        const inFlash = address - FLASH.start;
        if (inFlash >= 0 && inFlash < FLASH.size) {
            return flash32[inFlash >>> 2];
        }
        checkReadable(address);
        return mcu.readUint32(address) >>> 0;
    };

    // Instructions are fetched through this one.
    core.readUint16 = (address) => {
        address >>>= 0;
        if ((address & 1) !== 0) {
            throw new Fault('unaligned read', address);
        }
        if (guard.isActive) {
            guard.checkRead(address);
        }
        const inFlash = address - FLASH.start;
        if (inFlash >= 0 && inFlash < FLASH.size) {
            return flash16[inFlash >>> 1];
        }
        const inRam = address - RAM.start;
        if (inRam >= 0 && inRam < RAM.size) {
            return ram16[inRam >>> 1];
        }
        if (address === core.PC && !isExecutable(address)) {
            throw new Fault('jump to where there is no code', address);
        }
        checkReadable(address);
        return mcu.readUint16(address);
    };

    core.readUint8 = (address) => {
        address >>>= 0;
        if (guard.isActive) {
            guard.checkRead(address);
        }
        const inRam = address - RAM.start;
        if (inRam >= 0 && inRam < RAM.size) {
            return ram8[inRam];
        }
        const inFlash = address - FLASH.start;
        if (inFlash >= 0 && inFlash < FLASH.size) {
            return flash8[inFlash];
        }
        checkReadable(address);
        return mcu.readUint8(address);
    };

    core.writeUint32 = (address, value) => {
        address >>>= 0;
        if ((address & 3) !== 0) {
            throw new Fault('unaligned write', address);
        }
        if (guard.isActive) {
            guard.checkWrite(address);
        }
        const inRam = address - RAM.start;
        if (inRam >= 0 && inRam < RAM.size) {
            ram32[inRam >>> 2] = value;
            return;
        }
        checkWritable(address);
        mcu.writeUint32(address, value);
    };

    core.writeUint16 = (address, value) => {
        address >>>= 0;
        if ((address & 1) !== 0) {
            throw new Fault('unaligned write', address);
        }
        if (guard.isActive) {
            guard.checkWrite(address);
        }
        const inRam = address - RAM.start;
        if (inRam >= 0 && inRam < RAM.size) {
            ram16[inRam >>> 1] = value;
            return;
        }
        checkWritable(address);
        mcu.writeUint16(address, value);
    };

    core.writeUint8 = (address, value) => {
        address >>>= 0;
        if (guard.isActive) {
            guard.checkWrite(address);
        }
        const inRam = address - RAM.start;
        if (inRam >= 0 && inRam < RAM.size) {
            ram8[inRam] = value;
            return;
        }
        checkWritable(address);
        mcu.writeUint8(address, value);
    };
}

function checkReadable(address) {
    if (!isReadable(address)) {
        throw new Fault('read where there is nothing', address);
    }
}

function checkWritable(address) {
    if (!isWritable(address)) {
        throw new Fault('write where nothing takes it', address);
    }
}
