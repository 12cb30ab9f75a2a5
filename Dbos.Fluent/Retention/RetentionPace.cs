namespace Dbos.Fluent.Retention;

/// <summary>How much a pass of retention deletes at once, and how long it rests in between.</summary>
/// <remarks>
/// What a batch writes to the database's log, the next commit of a running workflow waits for. So beside running work batches are small
/// at first and the rests long. A pass that is not through after a minute has more before it than that brings away: each minute it takes
/// twice as much, until it goes at half of the full speed.
/// </remarks>
internal sealed class RetentionPace
{
    private const int FullBatch = 1000;
    private const int GentleBatch = 50;
    private const double GentleRest = 4;
    private const int DoublingsMax = 5;

    private readonly bool gentle;

    private RetentionPace(bool gentle) => this.gentle = gentle;

    /// <summary>Without rests. A batch takes a few hundredths of a second of the database's time; larger ones hardly help.</summary>
    public static RetentionPace Full { get; } = new(gentle: false);

    /// <summary>Small batches with rests between them: larger ones and shorter rests the longer the pass lasts.</summary>
    public static RetentionPace Gentle { get; } = new(gentle: true);

    /// <summary>How many workflows are deleted at once, so long after the beginning of the pass.</summary>
    public int Batch(TimeSpan lasted) => gentle ? Math.Min(FullBatch, GentleBatch << Doublings(lasted)) : FullBatch;

    /// <summary>How long to rest after a batch that took so long.</summary>
    public TimeSpan Rest(TimeSpan taken, TimeSpan lasted) =>
        gentle ? taken * Math.Max(1, GentleRest / (1 << Doublings(lasted))) : TimeSpan.Zero;

    private static int Doublings(TimeSpan lasted) => (int)Math.Min(DoublingsMax, lasted.TotalMinutes);
}
