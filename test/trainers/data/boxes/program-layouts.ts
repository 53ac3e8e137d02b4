import { cat, coco, cocoBox, cocoImage, dog, height, object, turnedImage, voc, width, yolo } from './files.js';
import type { BoxLayouts } from './layouts.js';

const [x, y, w, h] = cat;
const corners = `${x},${y},${x + w},${y + h}`;
const twoOf = (a: string, b: string): string => coco([a, b]);

/** The cat in pixels of the file of `turnedImage(6)`, which is shown turned to the right: x and y there are y and height - x here. */
const cat6 = [y, width - x - w, h, w] as const;
/** The cat in the file of `turnedImage(8)`, which is shown turned to the left. */
const cat8 = [height - y - h, x, h, w] as const;
const storedImage = (id: number, name: string) => ({ ...cocoImage(id, name), width: height, height: width });

/** Folders with the peculiarities of programs and systems. */
export const programLayouts: BoxLayouts = {
  coco: [
    {
      name: 'COCO with Windows paths of another machine',
      files: {
        'photos/{a,b}.jpg': null,
        'a.json': twoOf('C:\\Users\\Anna\\photos\\a.jpg', 'C:\\Users\\Anna\\photos\\b.jpg'),
      },
    },
    {
      name: 'COCO with spaces, brackets and other alphabets in names',
      files: {
        'my photos/{a cat (1),собака №2}.jpg': null,
        'my annotations.json': twoOf('my photos/a cat (1).jpg', 'собака №2.jpg'),
      },
    },
    {
      name: 'COCO of Label Studio, with names of its uploads and paths that lead out of the folder',
      files: {
        'images/{0f3c2d1e-a,1f3c2d1e-b}.jpg': null,
        'result.json': twoOf('../../label-studio/data/media/upload/1/0f3c2d1e-a.jpg', 'images/1f3c2d1e-b.jpg'),
      },
    },
    {
      name: 'COCO of FiftyOne: data and labels.json in each split',
      files: { '{train,validation}/data/{a,b}.jpg': null, '{train,validation}/labels.json': twoOf('a.jpg', 'b.jpg') },
      images: { train: 2, test: 2 },
      boxes: 4,
    },
    {
      name: 'COCO with upper-case extensions, and names without any',
      files: { '{a,b}.JPG': null, 'a.json': twoOf('a.JPG', 'b') },
    },
    {
      name: 'COCO beside files that systems leave behind',
      files: {
        '{a,b}.jpg': null,
        'a.json': twoOf('a.jpg', 'b.jpg'),
        '__MACOSX/._a.jpg': 'x',
        '.DS_Store': 'x',
        'Thumbs.db': 'x',
      },
    },
    {
      name: 'COCO with boxes of images as they are shown, which their files hold turned',
      files: { 'a.jpg': () => turnedImage(6), 'b.jpg': null, 'a.json': twoOf('a.jpg', 'b.jpg') },
    },
    {
      name: 'COCO with boxes of images as their files hold them: turned to the right',
      files: {
        'a.jpg': () => turnedImage(6),
        'b.jpg': null,
        'a.json': coco(['a.jpg', 'b.jpg'], {
          images: [storedImage(1, 'a.jpg'), cocoImage(2, 'b.jpg')],
          annotations: [cocoBox(1, 1, cat6), cocoBox(2, 2, dog)],
        }),
      },
      notes: ['1 image is stored turned, and its boxes with it'],
    },
  ],
  voc: [
    {
      name: 'VOC with boxes of images as their files hold them: turned to the left',
      files: {
        'a.jpg': () => turnedImage(8),
        'b.jpg': null,
        'a.xml': voc('a.jpg', object('cat', cat8)).replace(
          '<width>100</width><height>50<',
          '<width>50</width><height>100<',
        ),
        'b.xml': voc('b.jpg', object('dog', dog)),
      },
      notes: ['1 image is stored turned, and its boxes with it'],
    },
    {
      name: 'VOC of LabelImg, whose images were renamed and converted later',
      files: {
        '{a,b}.png': null,
        'a.xml': voc('IMG_0001.jpg', object('cat', cat)).replace('<size>', '<path>C:\\IMG_0001.jpg</path><size>'),
        'b.xml': voc('IMG_0002.jpg', object('dog', dog)),
      },
    },
    {
      name: 'VOC of CVAT: labelmap.txt, ImageSets/Main/default.txt, a size of 0, decimals',
      files: {
        'JPEGImages/{a,b}.jpg': null,
        'Annotations/a.xml': voc('a.jpg', object('cat', cat, '<truncated>0</truncated><occluded>1</occluded>'))
          .replace(`<width>${width}<`, '<width>0<')
          .replace('<xmin>11<', '<xmin>11.0<'),
        'Annotations/b.xml': voc('b.jpg', object('dog', dog)),
        'ImageSets/Main/default.txt': 'a\nb\n',
        'labelmap.txt': '# label:color_rgb:parts:actions\ncat:0,0,0::\n',
      },
    },
    {
      name: 'VOC with a mark, Windows line ends, and spaces in names',
      files: {
        'two pets/{a one,b two}.jpg': null,
        'two pets/a one.xml': `\ufeff${voc('a one.jpg', object('cat', cat)).replaceAll('\n', '\r\n')}`,
        'two pets/b two.xml': voc('b two.jpg', object('dog', dog)),
      },
    },
  ],
  yolo: [
    {
      name: 'YOLO with a mark, Windows line ends, tabs, and spaces in names',
      files: {
        'images/{a one,b two}.jpg': null,
        'labels/a one.txt': `\ufeff${yolo(0, cat).replaceAll(' ', '\t').replace('\n', ' \r\n\r\n')}`,
        'labels/b two.txt': yolo(1, dog),
        'data.yaml': '\ufeffnames: [cat, dog]\r\n',
      },
    },
    {
      name: 'YOLO of CVAT for Ultralytics: lists in data.yaml, folders of splits below images',
      files: {
        'images/{train,validation}/a.jpg': null,
        'labels/{train,validation}/a.txt': yolo(0, cat),
        'train.txt': 'data/images/train/a.jpg\n',
        'validation.txt': 'data/images/validation/a.jpg\n',
        'data.yaml': 'names:\n  0: cat\n  1: dog\npath: .\ntrain: train.txt\nval: validation.txt\n',
      },
      images: { train: 1, test: 1 },
    },
    {
      name: 'YOLO with Windows paths in data.yaml and in lists',
      files: {
        'images/{train,val}/a.jpg': null,
        'labels/{train,val}/a.txt': yolo(0, cat),
        'data.yaml': "train: 'D:\\pets\\images\\train'\nval: 'D:\\pets\\images\\val'\nnames: [cat, dog]\n",
      },
      images: { train: 1, test: 1 },
    },
    {
      name: 'YOLO of Roboflow for Darknet: _darknet.labels in each split',
      files: {
        '{train,valid}/a.jpg': null,
        '{train,valid}/a.txt': yolo(0, cat),
        '{train,valid}/_darknet.labels': 'cat\ndog\n',
      },
      images: { train: 1, test: 1 },
    },
  ],
  csv: [
    {
      name: 'CSV with a mark, Windows line ends, quotes and a comma in a name',
      files: {
        'a, one.jpg': null,
        'b.jpg': null,
        'boxes.csv': `\ufeff"image","x1","y1","x2","y2","label"\r\n"a, one.jpg",${corners},"cat"\r\n"b.jpg",20,10,40,30,"dog"\r\n`,
      },
    },
    {
      name: 'CSV with tabs, Windows paths and columns in the order of TensorFlow',
      files: {
        'photos/{a,b}.jpg': null,
        'boxes.tsv': `class\tymin\txmin\tymax\txmax\tfilename\ncat\t${y}\t${x}\t${y + h}\t${x + w}\tphotos\\a.jpg\ndog\t10\t20\t30\t40\tphotos\\b.jpg\n`,
      },
    },
    {
      name: 'CSV with shares and absolute paths',
      files: {
        'photos/{a,b}.jpg': null,
        'boxes.csv': `path,x,y,w,h,class\n/data/photos/a.jpg,${x / width},${y / height},${w / width},${h / height},cat\n/data/photos/b.jpg,0,0,1,1,dog\n`,
      },
      notes: ['left, top, width, height in shares of the image'],
    },
    {
      name: 'CSV of RetinaNet, without a header, with an image without boxes',
      files: { '{a,b,c}.jpg': null, 'train.csv': `a.jpg,${corners},cat\nb.jpg,20,10,40,30,dog\nc.jpg,,,,,\n` },
      images: { all: 3 },
      notes: ['no line of names'],
    },
  ],
};
