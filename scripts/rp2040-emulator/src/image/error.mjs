// Why a file is no image.

export class ImageError extends Error {}
