"""Pictures encoded in four formats, decoded, filtered, warped, transformed and searched for contours."""

import program


def run():
    import cv2
    import numpy as np

    random = np.random.default_rng(1)
    picture = cv2.GaussianBlur(random.integers(0, 256, (720, 1280, 3), dtype=np.uint8), (0, 0), 3)
    for i in range(50):
        x, y, radius = (int(value) for value in random.integers(10, 700, 3))
        cv2.circle(picture, (x, y), radius // 10, (5 * i, 255 - 5 * i, 128), -1)
    for format in (".png", ".jpg", ".webp", ".tiff"):
        done, encoded = cv2.imencode(format, picture)
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        assert done and decoded.shape == picture.shape
        print(format, program.digest(encoded, decoded), (decoded == picture).all())
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    for size in (3, 15, 31):
        print("filters", size, program.digest(cv2.medianBlur(grey, size), cv2.boxFilter(grey, -1, (size, size)),
                                              cv2.bilateralFilter(grey, 5, size, size), cv2.Laplacian(grey, 3)))
    turn = cv2.getRotationMatrix2D((640, 360), 30, 1.5)
    print("geometry", program.digest(cv2.resize(picture, (1920, 1080), interpolation=cv2.INTER_CUBIC),
                                     cv2.warpAffine(picture, turn, (1280, 720)), cv2.pyrDown(picture)))
    spectrum = cv2.dft(np.float32(grey), flags=cv2.DFT_COMPLEX_OUTPUT)
    assert np.allclose(cv2.idft(spectrum, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT), grey, atol=0.01)
    contours, _ = cv2.findContours(cv2.Canny(grey, 50, 150), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    print("contours", len(contours), program.digest(*contours))


program.main(["opencv-python-headless"], run)
