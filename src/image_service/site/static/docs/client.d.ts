/** An upload ticket, as `POST /uploads` answers it, or its URL. */
export type Ticket = string | URL | { url: string };

export interface Srcset {
  /** With `{size}` and `{format}` to be filled in. */
  url: string;
  /** The smallest files first. */
  formats: string[];
  /** Width and height in pixels, by size. */
  sizes: Record<string, [number, number]>;
}

/** What `picture()` reads: `fields=src,alt,width,height,thumbhash,srcset`. */
export interface Picture {
  src: string;
  alt?: string | Record<string, string> | [] | null;
  width?: number;
  height?: number;
  thumbhash?: string | null;
  srcset?: Srcset;
}

export interface Image extends Picture {
  id: number;
  position: number | null;
  product_id: number | null;
}

export interface UploadOptions {
  /** How much of the file has been sent, 0 to 1; again from 0 where it is repeated. */
  onProgress?: (part: number) => void;
  signal?: AbortSignal;
  alt?: string;
  /** `Idempotency-Key`. Give the same one to go on with an upload whose outcome is not known, after a reload. */
  key?: string;
}

/** Why a file was not taken; `message` is for people. */
export class UploadError extends Error {
  /** Of HTTP; 0: there was no answer. */
  status: number;
  /** A stable name: "too_large". */
  problem: string | null;
  body: unknown;
}

/** @throws {UploadError} or the reason of `signal` */
export function upload(ticket: Ticket, file: Blob, options?: UploadOptions): Promise<Image>;

export interface PictureOptions {
  /** As in HTML: how wide the picture is shown. "100vw" if absent. */
  sizes?: string;
  /** In place of the image's own. */
  alt?: string;
  /** True for the one picture that is seen first. All others are loaded when they come near. */
  priority?: boolean;
}

/** HTML: a `<picture>` in every format and size that is offered. */
export function picture(image: Picture, options?: PictureOptions): string;
