/** Images [count, height, width, channels] with their columns in the other order. */
export function mirroredImages(images: Float32Array, width: number, channels: number): Float32Array {
  const row = width * channels;
  const turned = new Float32Array(images.length);
  for (let from = 0; from < images.length; from += channels) {
    const column = (from % row) / channels;
    const to = from + (width - 1 - 2 * column) * channels;
    for (let c = 0; c < channels; c++) turned[to + c] = images[from + c];
  }
  return turned;
}
