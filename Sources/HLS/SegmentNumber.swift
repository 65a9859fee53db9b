import Media

public typealias SegmentNumber = Media.SegmentNumber
