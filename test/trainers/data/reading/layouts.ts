/** A folder as people have it, and how a person would read it: its classes and images, or a refusal. */
export interface Layout {
  /** A path that ends in `/` is an empty folder. */
  readonly files: readonly string[];
  /** Default: cat and dog. */
  readonly classes?: readonly string[];
  /** Images by split; `all`: the source assigns none. */
  readonly images?: Readonly<Partial<Record<'train' | 'validation' | 'test' | 'all', number>>>;
  /** Parts of the notes. */
  readonly notes?: readonly string[];
  /** Parts of the message and the hint. */
  readonly refused?: string;
  readonly hint?: string;
}

export const layouts: Readonly<Record<string, Layout>> = {
  'torchvision ImageFolder: a folder per class': {
    files: ['{cat,dog}/{a,b,c}.jpg'],
    images: { all: 6 },
  },
  'train and test': {
    files: ['{train,test}/{cat,dog}/{a,b}.png'],
    images: { train: 4, test: 4 },
  },
  'Training and Testing': {
    files: ['{Training,Testing}/{cat,dog}/{a,b}.png'],
    images: { train: 4, test: 4 },
  },
  'Keras tutorials: train and validation, under a folder of the archive': {
    files: ['cats_and_dogs_filtered/{train,validation}/{cats,dogs}/{a,b}.jpg', 'cats_and_dogs_filtered/vectorize.py'],
    classes: ['cats', 'dogs'],
    images: { train: 4, test: 4 },
  },
  'TRAIN, VALID and TEST': {
    files: ['{TRAIN,VALID,TEST}/{cat,dog}/a.JPG'],
    images: { train: 2, validation: 2, test: 2 },
  },
  'train, dev and test': {
    files: ['{train,dev,test}/{cat,dog}/a.jpg'],
    images: { train: 2, validation: 2, test: 2 },
  },
  'Food-11: training, validation and evaluation, which is the test': {
    files: ['{training,validation,evaluation}/{Bread,Egg}/a.jpg'],
    classes: ['Bread', 'Egg'],
    images: { train: 2, validation: 2, test: 2 },
  },
  'only train': {
    files: ['train/{cat,dog}/{a,b}.jpg'],
    images: { train: 4 },
  },
  'splits beside annotations and a project folder': {
    files: ['{train,test}/{cat,dog}/a.jpg', 'annotations/{1,2}.xml', 'project/settings.json', 'docs/example.png'],
    images: { train: 2, test: 2 },
    notes: ['Ignored beside test, train: docs (1 image), annotations, project.'],
  },
  'Roboflow, classification export': {
    files: ['{train,valid,test}/{cat,dog}/a_jpg.rf.0123456789abcdef.jpg', 'README.{roboflow,dataset}.txt'],
    images: { train: 2, validation: 2, test: 2 },
  },
  'Roboflow, multi-label export': {
    files: ['{train,valid,test}/{a,b,c}.jpg', '{train,valid,test}/_classes.csv'],
    refused: 'hold images, but no class folders',
    hint: 'type: list',
  },
  'Kaggle dogs-vs-cats: classes in the names': {
    files: ['train/{cat,dog}.{0,1,2}.jpg', 'sampleSubmission.csv'],
    refused: 'has only the class train',
    hint: 'begin with cat, dog',
  },
  'Kaggle dogs-vs-cats: unlabelled test beside it': {
    files: ['train/{cat,dog}.{0,1,2}.jpg', 'test1/{1,2,3}.jpg'],
    refused: 'the folders test1, train',
    hint: 'Make a folder per class',
  },
  'Kaggle cats-and-dogs: training_set/training_set': {
    files: ['training_set/training_set/{cats,dogs}/{a,b}.jpg', 'test_set/test_set/{cats,dogs}/a.jpg'],
    classes: ['cats', 'dogs'],
    images: { train: 4, test: 2 },
  },
  'Microsoft PetImages: Thumbs.db in the class folders': {
    files: ['PetImages/{Cat,Dog}/{0,1}.jpg', 'PetImages/{Cat,Dog}/Thumbs.db', 'readme[1].txt', 'MSR-LA - 3467.docx'],
    classes: ['Cat', 'Dog'],
    images: { all: 4 },
  },
  'Intel image classification: seg_train/seg_train, and images to predict': {
    files: [
      'seg_train/seg_train/{sea,street}/{a,b}.jpg',
      'seg_test/seg_test/{sea,street}/{a,b}.jpg',
      'seg_pred/seg_pred/{1,2}.jpg',
    ],
    classes: ['sea', 'street'],
    images: { train: 4, test: 4 },
    notes: ['Ignored beside seg_test, seg_train: seg_pred (2 images).'],
  },
  'Kaggle chest X-rays: the archive holds a copy of itself and leftovers of macOS': {
    files: [
      'chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/{a,b}.jpeg',
      'chest_xray/chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/{a,b}.jpeg',
      'chest_xray/__MACOSX/chest_xray/train/NORMAL/._a.jpeg',
    ],
    classes: ['NORMAL', 'PNEUMONIA'],
    images: { train: 4, validation: 4, test: 4 },
    notes: ['chest_xray (12 images)'],
  },
  'New plant diseases: the splits are deep, an unlabelled test is beside them': {
    files: [
      'New Plant Diseases Dataset(Augmented)/New Plant Diseases Dataset(Augmented)/{train,valid}/{Apple___scab,Corn___rust}/{a,b}.JPG',
      'test/test/AppleScab1.JPG',
    ],
    classes: ['Apple___scab', 'Corn___rust'],
    images: { train: 4, test: 4 },
    notes: ['Ignored beside New Plant Diseases Dataset(Augmented): test (1 image).'],
  },
  'Fruits 360: Training, Test and other folders': {
    files: [
      'fruits-360/{Training,Test}/{Apple,Kiwi}/{0_100,1_100}.jpg',
      'fruits-360/test-multiple_fruits/apple.jpg',
      'fruits-360/papers/a.pdf',
    ],
    classes: ['Apple', 'Kiwi'],
    images: { train: 4, test: 4 },
    notes: ['test-multiple_fruits (1 image)'],
  },
  'traffic signs: numbered classes; test and meta images without class folders': {
    files: ['Train/{0,1,10,2}/a.png', 'Test/{0,1}.png', 'Meta/{0,1}.png', '{Train,Test,Meta}.csv'],
    classes: ['0', '1', '10', '2'],
    images: { train: 4 },
    notes: ['Meta (2 images)', 'Ignored: Test has 2 images without class folders'],
  },
  'Tiny ImageNet: an images folder in each class; validation images in one folder': {
    files: [
      'train/{n01,n02}/images/{a,b}.JPEG',
      'train/{n01,n02}/{n01,n02}_boxes.txt',
      'val/images/{a,b}.JPEG',
      'val/val_annotations.txt',
      'test/images/c.JPEG',
    ],
    classes: ['n01', 'n02'],
    images: { train: 4 },
    notes: ['val has 2 images', 'test has 1 image'],
  },
  'ImageNet: train2012 and val2012': {
    files: ['{train2012,val2012}/{n01440764,n01443537}/a.JPEG'],
    classes: ['n01440764', 'n01443537'],
    images: { train: 2, test: 2 },
  },
  'PlantVillage: color, grayscale and segmented hold the same classes': {
    files: ['plantvillage/{color,grayscale,segmented}/{Apple,Corn,Grape}/a.jpg'],
    refused: 'hold the same folders (Apple, Corn, Grape)',
    hint: 'data.path (',
  },
  'splits inside the classes': {
    files: ['{cats,dogs}/{train,test}/{a,b}.jpg'],
    classes: ['cats', 'dogs'],
    images: { train: 4, test: 4 },
    notes: ['holds its own splits'],
  },
  'splits inside some of the classes': {
    files: ['{cats,dogs}/{train,test}/a.jpg', 'owls/{a,b}.jpg'],
    refused: 'but owls does not',
    hint: 'every class the same split folders',
  },
  'a project folder around one data set with splits': {
    files: ['project/dataset/{train,test}/{cat,dog}/{a,b}.jpg', 'project/runs/confusion.png', 'project/train.py'],
    images: { train: 4, test: 4 },
    notes: ['runs (1 image)'],
  },
  'folds of cross-validation': {
    files: ['fold{1,2,3}/{train,test}/{cat,dog}/a.jpg'],
    refused: 'several data sets with splits: fold1, fold2, fold3',
    hint: 'Name one',
  },
  'sessions with the same classes': {
    files: ['2023-{01,02}/{cat,dog}/a.jpg'],
    refused: 'hold the same folders (cat, dog)',
    hint: 'keep a group in one split',
  },
  'CVAT, ImageNet export': {
    files: ['{label_0,label_1}/{a,b}.jpg', 'synsets.txt'],
    classes: ['label_0', 'label_1'],
    images: { all: 4 },
  },
  'CVAT for images: boxes in one file': {
    files: ['images/{a,b}.jpg', 'annotations.xml'],
    refused: 'has only the class images',
    hint: 'one folder per class',
  },
  'YOLO: images and labels with the same splits': {
    files: ['images/{train,val}/{a,b}.jpg', 'labels/{train,val}/{a,b}.txt', 'data.yaml'],
    refused: 'the folders train, val',
    hint: 'Boxes around objects',
  },
  'Pascal VOC: images, annotations and segmentations': {
    files: ['VOC2012/{JPEGImages,SegmentationClass,SegmentationObject}/a.png', 'VOC2012/Annotations/a.xml'],
    refused: 'do not look like classes',
    hint: 'Masks and boxes',
  },
  'Label Studio: a table beside uploads': {
    files: ['project-1.csv', 'upload/{a,b,c}.jpg'],
    refused: 'has only the class upload',
    hint: 'project-1.csv',
  },
  'Hugging Face imagefolder with metadata.csv': {
    files: ['metadata.csv', '{0001,0002,0003}.png'],
    refused: 'has no class folder',
    hint: 'metadata.csv',
  },
  'Teachable Machine: an archive per class': {
    files: ['{Class 1,Class 2}-samples.zip'],
    refused: 'has no class folder and no images',
    hint: 'unpack',
  },
  'Teachable Machine, unpacked': {
    files: ['{Class 1,Class 2}-samples/{0,1}.jpg', '{Class 1,Class 2}-samples.zip'],
    classes: ['Class 1-samples', 'Class 2-samples'],
    images: { all: 4 },
  },
  'a camera card': {
    files: ['DCIM/100CANON/IMG_000{1,2,3}.JPG', 'DCIM/CANONMSC/M0100.CTG'],
    refused: 'has only the class 100CANON',
    hint: 'at least two classes',
  },
  'a camera card per class, with raw files': {
    files: ['{oak,pine}/DCIM/{100CANON,101CANON}/IMG_1.JPG', '{oak,pine}/DCIM/100CANON/IMG_1.CR2'],
    classes: ['oak', 'pine'],
    images: { all: 4 },
  },
  'leftovers of macOS, Windows, a NAS and Jupyter': {
    files: [
      '{cat,dog}/{a,b}.jpg',
      '{cat,dog}/{._a.jpg,.DS_Store,Thumbs.db,desktop.ini}',
      '__MACOSX/cat/._a.jpg',
      '{.ipynb_checkpoints,cat/.ipynb_checkpoints}/a-checkpoint.jpg',
      '{@eaDir,cat/@eaDir}/a.jpg',
      '$RECYCLE.BIN/a.jpg',
    ],
    images: { all: 4 },
  },
  'names that differ in case between the splits': {
    files: ['train/{Cat,Dog}/{a,b}.jpg', 'test/{cat,DOG}/a.jpg'],
    classes: ['Cat', 'Dog'],
    images: { train: 4, test: 2 },
  },
  'accents that macOS stores apart': {
    files: ['train/{pa\u0302t\u00e9,b}/a.jpg', 'test/{p\u00e2te\u0301,b}/a.jpg'],
    classes: ['b', 'pa\u0302t\u00e9'],
    images: { train: 2, test: 2 },
  },
  'a class called train': {
    files: ['{bus,car,train}/{a,b}.jpg'],
    classes: ['bus', 'car', 'train'],
    images: { all: 6 },
  },
  'train may be a split or a class': {
    files: ['{bus,train}/{day,night}/a.jpg'],
    refused: 'train may be a split or a class',
    hint: 'data.classes: [bus, train]',
  },
  'classes of other formats': {
    files: ['{cat,dog}/{a,b}.bmp'],
    refused: 'no image that can be read, but 4 .bmp',
    hint: 'mogrify',
  },
  'one class of another format': {
    files: ['cat/{a,b}.jpg', 'dog/{a,b}.jpg', 'owl/{a,b}.heic'],
    refused: 'has no images that can be read (2 .heic)',
    hint: 'Add images',
  },
  'an empty class folder': {
    files: ['{cat,dog}/a.jpg', 'eel/'],
    refused: 'eel has no images',
    hint: 'remove the class',
  },
  'classes in folders of kinds': {
    files: ['animals/{cat,dog}/a.jpg', 'vehicles/{bus,car}/a.jpg'],
    classes: ['animals', 'vehicles'],
    images: { all: 4 },
    notes: ['all sub-folders belong to the class: animals, vehicles'],
  },
  'a JPEG by each of its names': {
    files: ['{cat,dog}/{a.jpg,b.jpeg,c.JPE,d.jfif,e.pjpeg}'],
    images: { all: 10 },
  },
  'class folders beside folders of scripts': {
    files: ['{cat,dog}/{a,b}.jpg', 'scripts/split.py', 'README.md', 'preview.png'],
    images: { all: 4 },
    notes: ['no images: scripts'],
  },
  'images in a folder beside another one': {
    files: ['images/{cat,dog}/{a,b}.jpg', 'predictions/{1,2}.png'],
    refused: 'not clear which are the classes',
    hint: 'data.path: ',
  },
  'splits in the names of class folders': {
    files: ['{cats,dogs}_{train,test}/{a,b}.jpg'],
    refused: 'name splits of the same classes',
    hint: 'Move them',
  },
  'only a test folder and a validation folder': {
    files: ['{test,val}/{cat,dog}/a.jpg'],
    refused: 'no folder of training images',
    hint: 'Add a folder train',
  },
  'a U-Net data set': {
    files: ['train/{images,masks}/{a,b}.png'],
    refused: 'do not look like classes',
    hint: 'Masks',
  },
};
