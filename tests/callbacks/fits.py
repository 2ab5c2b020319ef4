"""What the tests of callbacks share."""

from conftest import small_images


def fit(gan, *used, epochs=2, **options):
    return gan.fit(
        small_images(32), batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=[*used], **options
    )
