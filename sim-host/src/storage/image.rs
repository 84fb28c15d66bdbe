//! What a flash holds.

use std::fmt;

use kernel::services::storage::Geometry;

use crate::Rng;

/// What an erased byte is.
const ERASED: u8 = 0xff;

/// What a flash of a geometry holds. Sectors that are erased take no memory.
#[derive(Clone)]
pub struct Image {
    geometry: Geometry,
    /// `None` is erased.
    sectors: Vec<Option<Box<[u8]>>>,
}

/// There is no image like this.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnImage {
    /// The units do not [fit](Geometry::is_sound) each other, or the flash is larger than [`Image::LARGEST`].
    Geometry(Geometry),
    /// The bytes are not as many as the flash has.
    Size {
        /// How many there are.
        bytes: usize,
        /// How many there have to be.
        capacity: u32,
    },
}

impl fmt::Display for NotAnImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Geometry(geometry) => write!(
                f,
                "sectors must divide the capacity of up to {} MiB, pages the sectors, and the units of up to 64 bytes the \
                 pages: {geometry:?}",
                Image::LARGEST >> 20
            ),
            Self::Size { bytes, capacity } => write!(
                f,
                "an image of the flash has {capacity} bytes, and this has {bytes}: give another file, or none for a new one"
            ),
        }
    }
}

impl std::error::Error for NotAnImage {}

impl Image {
    /// What the standard machine has: 64 KiB in sectors of 4 KiB, pages of 256 bytes, and no other units.
    pub const GEOMETRY: Geometry =
        Geometry { capacity: 64 * 1024, read_size: 1, write_size: 1, page_size: 256, erase_size: 4096 };

    /// The largest flash, in bytes.
    pub const LARGEST: u32 = 64 << 20;

    /// An erased flash of the standard geometry.
    pub fn new() -> Self {
        Self::of(Self::GEOMETRY)
    }

    /// An erased flash.
    ///
    /// # Errors
    ///
    /// When there can be no flash of this geometry.
    pub fn erased(geometry: Geometry) -> Result<Self, NotAnImage> {
        if !geometry.is_sound() || geometry.capacity > Self::LARGEST {
            return Err(NotAnImage::Geometry(geometry));
        }
        Ok(Self::of(geometry))
    }

    /// A flash that holds these bytes.
    ///
    /// # Errors
    ///
    /// When there can be no flash of this geometry, or it has not so many bytes.
    pub fn from_bytes(geometry: Geometry, bytes: &[u8]) -> Result<Self, NotAnImage> {
        let mut image = Self::erased(geometry)?;
        if bytes.len() != geometry.capacity as usize {
            return Err(NotAnImage::Size { bytes: bytes.len(), capacity: geometry.capacity });
        }
        let sectors = bytes.chunks(geometry.erase_size as usize);
        for (sector, bytes) in image.sectors.iter_mut().zip(sectors) {
            *sector = bytes.iter().any(|byte| *byte != ERASED).then(|| bytes.into());
        }
        Ok(image)
    }

    fn of(geometry: Geometry) -> Self {
        let sectors = (geometry.capacity / geometry.erase_size) as usize;
        Self { geometry, sectors: vec![None; sectors] }
    }

    /// How large the flash is, and its units.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// All bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes().collect()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        let size = self.geometry.erase_size as usize;
        self.sectors.iter().flat_map(move |sector| {
            let byte = move |at| sector.as_ref().and_then(|sector| sector.get(at)).copied().unwrap_or(ERASED);
            (0..size).map(byte)
        })
    }

    /// Where a byte is: the sector, and the place in it.
    fn place(&self, offset: u64) -> (usize, usize) {
        let size = u64::from(self.geometry.erase_size);
        ((offset / size) as usize, (offset % size) as usize)
    }

    /// So many bytes; those behind the end are erased ones.
    pub(super) fn read(&self, offset: u32, len: usize) -> Vec<u8> {
        let byte = |offset| {
            let (sector, at) = self.place(offset);
            let sector = self.sectors.get(sector).and_then(Option::as_ref);
            sector.and_then(|sector| sector.get(at)).copied().unwrap_or(ERASED)
        };
        (u64::from(offset)..).take(len).map(byte).collect()
    }

    /// Changes so many bytes: is given the number of each and what it was. Behind the end nothing is changed.
    pub(super) fn change(&mut self, offset: u32, len: usize, mut change: impl FnMut(usize, u8) -> u8) {
        let size = self.geometry.erase_size as usize;
        for (number, offset) in (u64::from(offset)..).take(len).enumerate() {
            let (sector, at) = self.place(offset);
            let Some(sector) = self.sectors.get_mut(sector) else { return };
            let sector = sector.get_or_insert_with(|| vec![ERASED; size].into());
            if let Some(byte) = sector.get_mut(at) {
                *byte = change(number, *byte);
            }
        }
    }

    /// Erases the sector that begins there.
    pub(super) fn erase(&mut self, offset: u32) {
        let (sector, _) = self.place(offset.into());
        if let Some(sector) = self.sectors.get_mut(sector) {
            *sector = None;
        }
    }

    /// Turns a bit over, of a byte that is written if there is one.
    pub(super) fn rot(&mut self, rng: &mut Rng) {
        let written: Vec<u32> =
            (0..).zip(self.bytes()).filter(|(_, byte)| *byte != ERASED).map(|(offset, _)| offset).collect();
        let capacity = self.geometry.capacity.into();
        let offset = match written.get(rng.below(written.len() as u64) as usize) {
            Some(offset) => *offset,
            // Less than the capacity, which is one.
            None => rng.below(capacity) as u32,
        };
        let bit = rng.below(8);
        self.change(offset, 1, |_, byte| byte ^ 1 << bit);
    }
}

impl Default for Image {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.geometry == other.geometry && self.bytes().eq(other.bytes())
    }
}

impl Eq for Image {}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.sectors.iter().filter(|sector| sector.is_some()).count();
        f.debug_struct("Image").field("geometry", &self.geometry).field("written_sectors", &written).finish()
    }
}
