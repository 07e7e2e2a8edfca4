"""FFTs of one to three dimensions, with threads, a convolution and linear algebra, in numpy and scipy."""

import program


def run():
    import numpy as np
    from scipy import fft, linalg, signal

    random = np.random.default_rng(1)
    for length in (1000, 4096, 65537, 1 << 18):
        values = random.standard_normal(length)
        spectrum = np.fft.rfft(values)
        assert np.allclose(np.fft.irfft(spectrum, length), values)
        print("numpy", length, program.digest(spectrum))
        spectrum = fft.fft(values.reshape(1, -1).repeat(4, 0).astype(np.complex64), workers=2)
        print("scipy", length, program.digest(spectrum, fft.dct(values)))
    picture = random.standard_normal((512, 768))
    assert np.allclose(fft.ifft2(fft.fft2(picture, workers=2), workers=2).real, picture)
    print("fft2", program.digest(fft.fft2(picture, workers=2)))
    print("fftn", program.digest(fft.rfftn(random.standard_normal((64, 60, 49)), workers=2)))
    print("convolution", program.digest(signal.fftconvolve(picture, picture[:100, :100])))
    # A BLAS divides its work by the threads it finds; these agree to rounding.
    matrix = random.standard_normal((300, 300)) + 300 * np.eye(300)
    left, values, right = linalg.svd(matrix)
    assert np.allclose(left * values @ right, matrix)
    print("linear algebra", np.round(linalg.solve(matrix, matrix.sum(1)).sum(), 6), np.round(values.sum(), 6))


program.main(["numpy", "scipy"], run)
