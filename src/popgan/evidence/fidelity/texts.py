"""What each metric is called and how to read it, in words for somebody who never met it."""

from __future__ import annotations

TITLES = {
    "kid": "Kernel distance (KID)",
    "frechet": "Frechet distance",
    "frechet_infinity": "Frechet distance at infinite n (extrapolated)",
    "frechet_radiomics": "Frechet radiomics distance",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "clipped_density": "Clipped density",
    "clipped_coverage": "Clipped coverage",
    "ms_ssim": "Similarity of random pairs (MS-SSIM)",
    "most_alike": "Most alike pair of images (correlation)",
    "spectrum": "Power spectrum distance",
    "air_noise": "Noise of the air around the head",
    "air_level": "Brightness of the air around the head",
    "nearest_ratio": "Nearness to training / to held-out subjects",
    "nearest_share": "Share nearer to training subjects",
    "nearest_correlation": "Correlation with the nearest training image",
}

HOW_TO_READ = {
    "kid": (
        "How far the synthetic set as a whole is from held-out real images; real against real "
        "gives about 0, and the interval counts subjects, not slices."
    ),
    "frechet": (
        "Same question as the kernel distance, but real against real is far from 0 at this "
        "number of images: only the gap to that floor means anything."
    ),
    "frechet_infinity": (
        "The Frechet distance without the part that falls with the number of images, by a straight "
        "line. With fewer images than features some of that part remains, in the floor as well."
    ),
    "frechet_radiomics": (
        "How far intensity, texture and outline of the head differ from held-out real images, in "
        "features with published definitions. Only the gap to the floor means anything."
    ),
    "precision": (
        "Share of synthetic images that lie among the real ones; low means implausible images."
    ),
    "recall": (
        "Share of real images that lie among the synthetic ones; low means that kinds of real "
        "image are missing."
    ),
    "density": (
        "How densely real images surround a synthetic one, about 1 for a good match; unlike "
        "precision it is not fooled by one odd real image."
    ),
    "coverage": (
        "Share of real images that have a synthetic one in their neighbourhood; low means that "
        "kinds of real image are missing."
    ),
    "clipped_density": (
        "Read 0.7 as: as plausible as a set of which 70 % are good and 30 % junk. No single odd "
        "image moves it. Below 100 images a side it comes out too low; so does its floor."
    ),
    "clipped_coverage": (
        "Read 0.7 as: as varied as if 70 % of the images were drawn from the real ones. An average "
        "image can cover much in many dimensions: read it beside recall and similarity."
    ),
    "ms_ssim": (
        "How alike two random images of the set are; well above the value of two real subjects "
        "means too little variety, well below it means disorder."
    ),
    "most_alike": (
        "The two most alike of 64 random images. Real slices have near twins too, neighbours of "
        "one subject: clearly above their value, the set repeats itself."
    ),
    "spectrum": (
        "How far fine and coarse detail differ in strength from real images; blur, noise and "
        "checkerboards show up here first."
    ),
    "air_noise": (
        "How much neighbouring pixels of air differ. Scanners leave noise there or preparation "
        "nothing; clearly more or less than real images have gives synthetic ones away."
    ),
    "air_level": (
        "How bright air is on average. Clearly more than in real images is haze, which an opened "
        "window shows."
    ),
    "nearest_ratio": (
        "1 is expected; below 1, synthetic images keep closer to training subjects than to as "
        "many strangers, a sign of memorising. A value of 1 does not prove privacy."
    ),
    "nearest_share": (
        "Half is expected; clearly more is a sign of memorising. Half does not prove privacy."
    ),
    "nearest_correlation": (
        "Compare with the floor, held-out subjects against training: clearly above it, look at "
        "the nearest pairs for copies. It says nothing of shifted or rotated copies."
    ),
}

# With the one network that FID is defined with, and one contrast (`popgan.evidence.backbone`).
FID_TITLES = {
    "frechet": "Frechet inception distance (FID)",
    "frechet_infinity": "FID at infinite n (extrapolated)",
}

FID_HOW_TO_READ = {
    "frechet": (
        "The number that papers print, from as many images as stand beside it. Real against real "
        "is far from 0 at this number: only the gap to that floor means anything, and a FID of "
        "another number of images cannot be compared."
    ),
}
