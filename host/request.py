"""What is asked of a board, and how it is cut to what a frame holds."""

from dataclasses import dataclass, field

from params.link import COUNT, IDENTITY, WORD, Kind


@dataclass
class Request:
    """A request that is to be answered.

    Parameters
    ----------
    kind, address : of the request.
    data : to be written.
    size : bytes to be read.
    attempts : how often it was sent so far.
    sequence : the number it was sent with. It is sent again with the same, so that a late answer
        counts, and a register is not written twice.
    """

    kind: Kind
    address: int = 0
    data: bytes | memoryview = field(default=b"", repr=False)
    size: int = 0
    attempts: int = 0
    sequence: int | None = None

    @property
    def payload(self) -> bytes:
        """That of its frame."""
        return COUNT.pack(self.size) if self.kind == Kind.READ_MEMORY else bytes(self.data)

    @property
    def answer_size(self) -> int:
        """Bytes of the answer's payload if all goes well."""
        return {
            Kind.READ_MEMORY: self.size,
            Kind.READ_REGISTER: WORD.size,
            Kind.IDENTIFY: IDENTITY.size,
        }.get(self.kind, 0)

    @property
    def length(self) -> int:
        """Bytes of memory that it concerns."""
        return {Kind.READ_MEMORY: self.size, Kind.WRITE_MEMORY: len(self.data)}.get(self.kind, 0)

    def cut(self, most: int) -> "tuple[Request, Request | None]":
        """Its beginning, up to the next multiple of `most` bytes, and what is left, if any."""
        here = most - self.address % most
        if self.length <= here:
            return self, None
        return tuple(
            Request(
                self.kind, address, data=self.data[part], size=max(0, size), attempts=self.attempts
            )
            for address, part, size in (
                (self.address, slice(None, here), min(self.size, here)),
                (self.address + here, slice(here, None), self.size - here),
            )
        )  # type: ignore[return-value]
