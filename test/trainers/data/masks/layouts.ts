import sharp from 'sharp';
import { cat, coco, cocoBox, cocoImage, dog, height, turnedImage, width, type Files } from '../boxes/files.js';
import { coloured, grey, indexed, interlaced, noisy, vocPalette } from './files.js';

/** A folder as people have it, and how it is read. The first image has a cat in its mask, whatever its name is. */
export interface MaskLayout {
  readonly name: string;
  readonly files: Files;
  /** Further keys of `data:`. */
  readonly keys?: object;
  /** Default: background and foreground. */
  readonly classes?: readonly string[];
  /** The class of the cat; default: the last. */
  readonly cat?: string;
  /** The class around it; default: the first; null: ignored. */
  readonly around?: string | null;
  /** Images by split; `all`: the source assigns none. Default: two. */
  readonly images?: Readonly<Partial<Record<'train' | 'validation' | 'test' | 'all', number>>>;
  /** Parts of the notes. */
  readonly notes?: readonly string[];
  /** Whether images without a mask or the like are found. */
  readonly findings?: readonly string[];
}

const pets = ['background', 'cat', 'dog'];
const names = 'background\ncat\ndog\n';
const red = [255, 0, 0] as const;
const black = [0, 0, 0] as const;
const camvid = '0 0 0\tVoid\n255 0 0\tcat\n128 128 128\tSky\n';

const [x, y, w, h] = cat;
const polygon = [x, y, x + w, y, x + w, y + h, x, y + h];
/** Run lengths, column by column. */
const runs = [x * height + y, ...Array.from({ length: w - 1 }, () => [h, height - h]).flat(), h];
const rle = { size: [height, width], counts: [...runs, width * height - runs.reduce((sum, run) => sum + run, 0)] };
/** The same, compressed: the programs of COCO write it so. */
function compressed(counts: readonly number[]): string {
  let text = '';
  counts.forEach((count, i) => {
    let value = i > 2 ? count - counts[i - 2] : count;
    for (let isMore = true; isMore;) {
      const low = value & 31;
      value >>= 5;
      isMore = (low & 16) !== 0 ? value !== -1 : value !== 0;
      text += String.fromCharCode((isMore ? low | 32 : low) + 48);
    }
  });
  return text;
}
const cocoOf = (segmentation: unknown, others: object = {}): string =>
  coco(['a.jpg', 'b.jpg'], {
    annotations: [
      cocoBox(1, 1, cat, { segmentation }),
      cocoBox(2, 2, dog, { segmentation: [[0, 0, 9, 0, 9, 9]], ...others }),
    ],
  });

/** The mask of an image as its file stores it: turned back by some degrees. */
const storedMask = (degrees: number) => async (): Promise<Buffer> =>
  sharp(await grey(0, 255)())
    .rotate(-degrees)
    .toColourspace('b-w')
    .png()
    .toBuffer();
const asStored = 'stored turned, and the masks with them: by their sizes, masks are those of the files';

/** A file of LabelMe with shapes of a label, a type and points. */
export const labelMe = (imagePath: string, ...shapes: readonly unknown[]): string =>
  JSON.stringify({
    version: '5.5.0',
    flags: {},
    shapes,
    imagePath,
    imageData: null,
    imageHeight: height,
    imageWidth: width,
  });
/** [x, y] of each point. */
const pointsOf = (coordinates: readonly number[]): number[][] =>
  coordinates.flatMap((x, i) => (i % 2 === 0 ? [[x, coordinates[i + 1]]] : []));
/** @param coordinates of its points: x and y of the first, x and y of the second, ... */
const shape = (label: string, shape_type: string, coordinates: readonly number[], others: object = {}) => ({
  ...{ label, points: pointsOf(coordinates), group_id: null, shape_type, flags: {} },
  ...others,
});
const corners = [x + w, y + h, x, y];
const pixelMask = await sharp(new Uint8Array(w * h).fill(1), { raw: { width: w, height: h, channels: 1 } })
  .toColourspace('b-w')
  .png()
  .toBuffer();

export const maskLayouts: readonly MaskLayout[] = [
  {
    name: 'photographs that are stored on their side, with masks as they are shown',
    files: { 'images/{a,b}.jpg': () => turnedImage(6), 'masks/{a,b}.png': grey(0, 255) },
  },
  ...Object.entries({ 6: 90, 8: 270 }).map(([orientation, degrees]): MaskLayout => ({
    name: `photographs of orientation ${orientation}, with masks as they are stored`,
    files: { 'images/a.jpg': () => turnedImage(Number(orientation)), 'masks/a.png': storedMask(degrees) },
    images: { all: 1 },
    notes: [`1 image is ${asStored}`],
  })),
  {
    name: 'photographs upside down, with masks as the others have them',
    files: {
      'images/a.jpg': () => turnedImage(3),
      'images/b.jpg': () => turnedImage(6),
      'masks/a.png': storedMask(180),
      'masks/b.png': storedMask(90),
    },
    notes: [
      asStored,
      '1 image is stored turned, with masks that fit both ways: they are read as the images are stored',
    ],
  },
  {
    name: 'a photograph upside down alone, whose mask is as it is shown',
    files: { 'images/a.jpg': () => turnedImage(3), 'masks/a.png': grey(0, 255) },
    images: { all: 1 },
    notes: ['they are read as the images are shown'],
  },
  {
    name: 'COCO polygons in pixels of a photograph as it is stored',
    files: {
      'a.jpg': () => turnedImage(6),
      'all.json': coco([], {
        images: [{ ...cocoImage(1, 'a.jpg'), width: height, height: width }],
        annotations: [
          cocoBox(1, 1, cat, {
            segmentation: [[y, width - x - w, y + h, width - x - w, y + h, width - x, y, width - x]],
          }),
        ],
      }),
    },
    classes: pets,
    cat: 'cat',
    images: { all: 1 },
    notes: [`1 image is ${asStored}`],
  },
  {
    name: 'folders images and masks, black and white',
    files: { 'images/{a,b,c}.jpg': null, 'masks/{a,b,c}.png': grey(0, 255) },
    images: { all: 3 },
  },
  {
    name: 'masks beside the images, with a suffix',
    files: { '{a,b}.jpg': null, '{a,b}_mask.png': grey(0, 1) },
  },
  {
    name: 'a PNG beside each JPEG, as a folder for each kind of defect has them',
    files: {
      'MT_{Crack,Fray}/Imgs/{a,b,c}.jpg': null,
      'MT_{Crack,Fray}/Imgs/{a,b,c}.png': grey(0, 255),
      'MT_Free/Imgs/{a,b,c}.jpg': null,
      'MT_Free/Imgs/{a,b,c}.png': grey(0, 0),
    },
    classes: ['background', 'Crack', 'Fray'],
    cat: 'Crack',
    images: { all: 9 },
    notes: ['each folder names the class of its own (Crack, Fray; MT_Free: only background)'],
  },
  {
    name: 'a folder for each defect, as one class',
    files: { '{crack,fray}/{a,b,c}.jpg': null, '{crack,fray}/{a,b,c}.png': grey(0, 255) },
    keys: { classes: ['fine', 'defect'] },
    classes: ['fine', 'defect'],
    images: { all: 6 },
  },
  {
    name: 'a folder for each image',
    files: { '{a1,b7,c3}/image.jpg': null, '{a1,b7,c3}/mask.png': grey(0, 255) },
    images: { all: 3 },
  },
  {
    name: 'a folder for each image, with names that differ',
    files: { 'x1/x1.jpg': null, 'x2/x2.jpg': null, 'x{1,2}/label.png': grey(0, 1) },
  },
  {
    name: 'numbered folders, which are no classes',
    files: { 'case_{01,02}/image/{a,b,c}.png': null, 'case_{01,02}/mask/{a,b,c}.png': grey(0, 255) },
    images: { all: 6 },
  },
  {
    name: 'PASCAL VOC: palettes, lists of images, and instances beside the classes',
    files: {
      'VOC2012/JPEGImages/{a,b,c,d}.jpg': null,
      'VOC2012/SegmentationClass/{a,b,c}.png': indexed(255, 8, vocPalette),
      'VOC2012/SegmentationObject/{a,b,c}.png': indexed(0, 1, vocPalette),
      'VOC2012/ImageSets/Segmentation/train.txt': 'a\nb\n',
      'VOC2012/ImageSets/Segmentation/val.txt': 'c\n',
    },
    classes: [
      ...['background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow'],
      ...['diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor'],
    ],
    cat: 'cat',
    around: null,
    images: { train: 2, test: 1 },
    notes: ['Splits are those of ImageSets/Segmentation', 'Ignored pixels: those of the value 255'],
    findings: ['missing: VOC2012/JPEGImages/d.jpg'],
  },
  {
    name: 'CVAT: SegmentationClass in colours with labelmap.txt',
    files: {
      'JPEGImages/{a,b}.jpg': null,
      'SegmentationClass/{a,b}.png': coloured(black, red),
      'labelmap.txt': '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:255,0,0::\ndog:0,255,0::\n',
    },
    classes: pets,
    cat: 'cat',
    notes: ['Classes are those of'],
  },
  {
    name: 'Cityscapes: ids beside instances, colours and polygons',
    files: {
      'leftImg8bit/{train,val}/aachen/aachen_{0,1}_leftImg8bit.png': null,
      'gtFine/{train,val}/aachen/aachen_{0,1}_gtFine_labelIds.png': grey(3, 26),
      'gtFine/{train,val}/aachen/aachen_{0,1}_gtFine_{instanceIds,color}.png': grey(9, 9),
      'gtFine/{train,val}/aachen/aachen_{0,1}_gtFine_polygons.json': '{}',
    },
    classes: [
      ...['road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation'],
      ...['terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'],
    ],
    cat: 'car',
    around: null,
    images: { train: 2, test: 2 },
    notes: ['19 training classes'],
  },
  {
    name: 'Cityscapes with train ids beside the ids',
    files: {
      'leftImg8bit/train/bonn/bonn_{0,1}_leftImg8bit.png': null,
      'gtFine/train/bonn/bonn_{0,1}_gtFine_labelIds.png': grey(7, 26),
      'gtFine/train/bonn/bonn_{0,1}_gtFine_labelTrainIds.png': grey(255, 13),
    },
    classes: [
      ...['road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation'],
      ...['terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'],
    ],
    cat: 'car',
    around: null,
    images: { train: 2 },
  },
  {
    name: 'CamVid: a folder of labels for each split, and class_dict.csv',
    files: {
      '{train,val,test}/{a,b}.png': null,
      '{train,val,test}_labels/{a,b}_L.png': coloured(black, red),
      'class_dict.csv': 'name,r,g,b\nSky,128,128,128\ncat,255,0,0\nVoid,0,0,0\n',
    },
    classes: ['Sky', 'cat'],
    cat: 'cat',
    around: null,
    images: { train: 2, validation: 2, test: 2 },
    notes: ['Ignored pixels: Void.'],
  },
  {
    name: 'CamVid: label_colors.txt',
    files: {
      '701_StillsRaw_full/{a,b}.png': null,
      'LabeledApproved_full/{a,b}_L.png': coloured(black, red),
      'label_colors.txt': camvid,
    },
    classes: ['cat', 'Sky'],
    cat: 'cat',
    around: null,
  },
  {
    name: 'SegNet: trainannot with values, and classes.txt',
    files: { '{train,test}/{a,b}.png': null, '{train,test}annot/{a,b}.png': grey(0, 1), 'classes.txt': names },
    classes: pets,
    cat: 'cat',
    images: { train: 2, test: 2 },
  },
  {
    name: 'MMSegmentation: img_dir and ann_dir, split below',
    files: { 'img_dir/{train,val}/{a,b}.jpg': null, 'ann_dir/{train,val}/{a,b}.png': grey(0, 2), 'classes.txt': names },
    classes: pets,
    images: { train: 2, test: 2 },
  },
  {
    name: 'Roboflow: _classes.csv, copies of one image in one split',
    files: {
      'train/{a,b}_png.rf.0123456789abcdef.jpg': null,
      'train/{a,b}_png.rf.0123456789abcdef_mask.png': grey(0, 2),
      'train/_classes.csv': 'Pixel Value, Class\n0, background\n1, cat\n2, dog\n',
    },
    classes: pets,
    images: { train: 2 },
  },
  {
    name: 'DeepGlobe: _sat.jpg and _mask.png in colours',
    files: {
      'train/{1,2}_sat.jpg': null,
      'train/{1,2}_mask.png': coloured([0, 255, 255], [255, 255, 0]),
      'class_dict.csv': 'name,r,g,b\nurban_land,0,255,255\nagriculture_land,255,255,0\nunknown,0,0,0\n',
    },
    classes: ['urban_land', 'agriculture_land', 'unknown'],
    cat: 'agriculture_land',
    images: { train: 2 },
  },
  {
    name: 'Carvana: train and train_masks, as GIF',
    files: { 'train/{a,b}.jpg': null, 'train_masks/{a,b}_mask.gif': coloured(black, [255, 255, 255], 'gif') },
    images: { train: 2 },
  },
  {
    name: 'trimaps of pets, with names and a border that is ignored',
    files: {
      'images/{a,b}.jpg': null,
      'annotations/trimaps/{a,b}.png': grey(3, 1),
      'annotations/trimaps/c.png': grey(2, 1),
      'images/c.jpg': null,
    },
    keys: { classes: ['pet', 'background', 'border'], ignore: ['border'] },
    classes: ['pet', 'background'],
    cat: 'pet',
    around: null,
    images: { all: 3 },
  },
  {
    name: 'colours without a list of names',
    files: {
      'images/{a,b}.jpg': null,
      'labels/a.png': coloured(black, red),
      'labels/b.png': coloured([0, 0, 255], red),
    },
    classes: ['background', '#0000ff', '#ff0000'],
    notes: ['they have the names of their colours'],
  },
  {
    name: 'colours that are ignored by value',
    files: {
      'images/{a,b}.jpg': null,
      'labels/a.png': coloured(black, red),
      'labels/b.png': coloured([0, 0, 255], red),
    },
    keys: { ignore: ['#000000'] },
    classes: ['#0000ff', '#ff0000'],
    around: null,
  },
  {
    name: 'palettes of 2 bits, without names',
    files: {
      'img/{a,b}.png': null,
      'mask/a.png': indexed(0, 3, vocPalette.slice(0, 4), 2),
      'mask/b.png': indexed(0, 2, vocPalette.slice(0, 4), 2),
    },
    classes: ['background', 'class 2', 'class 3'],
  },
  {
    name: 'black and white with noise between',
    files: { 'images/{a,b}.jpg': null, 'masks/{a,b}.png': noisy },
    notes: ['from 128 on, a pixel is foreground'],
  },
  {
    name: 'JPEG masks in the colours of a list',
    files: {
      'images/{a,b}.png': null,
      'masks/{a,b}.jpg': coloured(black, red, 'jpeg'),
      'classes.csv': 'name,r,g,b\nbackground,0,0,0\ncat,255,0,0\n',
    },
    classes: ['background', 'cat'],
  },
  {
    name: 'COCO: polygons, in a file for each split',
    files: {
      '{train2017,val2017}/{a,b}.jpg': null,
      'annotations/instances_{train2017,val2017}.json': cocoOf([polygon]),
    },
    classes: pets,
    cat: 'cat',
    images: { train: 2, test: 2 },
  },
  {
    name: 'COCO: run lengths, and a crowd',
    files: { '{a,b}.jpg': null, 'all.json': cocoOf(rle, { iscrowd: 1 }) },
    classes: pets,
    cat: 'cat',
  },
  {
    name: 'COCO: compressed run lengths',
    files: { '{a,b}.jpg': null, 'all.json': cocoOf({ ...rle, counts: compressed(rle.counts) }) },
    classes: pets,
    cat: 'cat',
  },
  {
    name: 'interlaced PNGs with the numbers of classes',
    files: { 'images/{a,b}.png': null, 'masks/{a,b}.png': interlaced(1, 2), 'labels.txt': names },
    classes: pets,
    around: 'cat',
  },
  {
    name: 'LabelMe: a rectangle on a circle on a polygon, and a line',
    files: {
      '{train,val}/{a,b}.jpg': null,
      '{train,val}/a.json': labelMe(
        '..\\elsewhere\\a.jpg',
        shape('dog', 'circle', [30, 15, 36, 15]),
        shape('dog', 'line', [0, 0, 9, 9]),
        shape('cat', 'rectangle', corners),
      ),
      '{train,val}/b.json': labelMe(
        'b.jpg',
        shape('dog', 'circle', [50, 25, 50, 45]),
        shape('_background_', 'polygon', [0, 0, 100, 0, 100, 50, 0, 50]),
      ),
    },
    classes: pets,
    cat: 'cat',
    images: { train: 2, test: 2 },
    notes: ["Classes are those of LabelMe's shapes", '2 shapes of the type line, without an area, left out'],
  },
  {
    name: 'LabelMe: folders of images and of shapes, labels.txt, and a mask in the file',
    files: {
      'photos/{a,b}.jpg': null,
      'shapes/first.json': labelMe(
        '..\\photos\\a.jpg',
        shape('cat', 'mask', [x, y, x + w, y + h], { mask: pixelMask.toString('base64') }),
      ),
      'labels.txt': '__ignore__\n_background_\ncat\ndog\n',
    },
    classes: pets,
    cat: 'cat',
    images: { all: 1 },
    findings: ['missing: photos/b.jpg'],
  },
  {
    name: 'LabelMe: what counts for nothing, in polygons without a type',
    files: {
      'a.jpg': null,
      'a.json': labelMe('a.jpg', shape('__ignore__', 'rectangle', [0, 0, 100, 50]), {
        label: 'cat',
        points: pointsOf(polygon),
      }),
    },
    classes: ['background', 'cat'],
    around: null,
    images: { all: 1 },
  },
];
