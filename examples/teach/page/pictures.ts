/** @file Pictures from files and from the camera. */

/** Files are decoded as they are: neither colours nor transparency are converted. */
const AS_IT_IS: ImageBitmapOptions = {
  colorSpaceConversion: "none",
  premultiplyAlpha: "none",
  imageOrientation: "from-image",
};

/** A file as a picture; an error that names it where it is none. */
export async function pictureOf(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, AS_IT_IS);
  } catch {
    throw new Error(`${file.name} is no picture that this browser can read.`);
  }
}

/** A small picture as a file. */
export function fileOf(picture: ImageBitmap): Promise<Blob> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")!.drawImage(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/** A small picture on the page; it is given up. */
export function shown(picture: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("bitmaprenderer")!.transferFromImageBitmap(picture);
  return canvas;
}

/** The one camera of the page, seen in one place at a time. */
export class Camera {
  readonly video = document.createElement("video");
  #onLeave: (() => void) | undefined;

  constructor() {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  /** Whether the browser lets a page have a camera at all. */
  static get possible(): boolean {
    return navigator.mediaDevices !== undefined;
  }

  /** Shows the camera in an element; who had it before is told. */
  async show(where: HTMLElement, onLeave: () => void): Promise<void> {
    this.#onLeave?.();
    this.#onLeave = onLeave;
    try {
      this.video.srcObject ??= await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 640 } },
      });
    } catch (error) {
      this.stop();
      throw new Error(`The camera cannot be used: ${(error as Error).message}`);
    }
    where.append(this.video);
    await this.video.play();
  }

  /** The camera off. */
  stop(): void {
    for (const track of (this.video.srcObject as MediaStream | null)?.getTracks() ?? [])
      track.stop();
    this.video.srcObject = null;
    this.video.remove();
    this.#onLeave?.();
    this.#onLeave = undefined;
  }

  /** What it sees now. */
  picture(): Promise<ImageBitmap> {
    return createImageBitmap(this.video);
  }
}
