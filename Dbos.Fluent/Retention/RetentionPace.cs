namespace Dbos.Fluent.Retention;

/// <summary>How much a pass of retention deletes at once, and how long it rests in between.</summary>
/// <remarks>
/// The next commit of a running workflow waits for what a batch writes to the database's log. While others work, batches are therefore
/// small at first and the rests long. A pass that has not ended after a minute has more to delete than that achieves: each minute it takes
/// twice as much, until it goes at half of the full speed.
/// </remarks>
internal static class RetentionPace
{
    private const int FullBatch = 1000;
    private const int GentleBatch = 50;
    private const double GentleRest = 4;
    private const int DoublingsMax = 5;

    /// <summary>How many workflows are deleted at once, so long after the beginning of the pass. Larger batches hardly help.</summary>
    public static int Batch(bool isBusy, TimeSpan lasted) =>
        isBusy ? Math.Min(FullBatch, GentleBatch << Doublings(lasted)) : FullBatch;

    /// <summary>How long to rest after a batch that took so long.</summary>
    public static TimeSpan Rest(bool isBusy, TimeSpan taken, TimeSpan lasted) =>
        isBusy ? taken * Math.Max(1, GentleRest / (1 << Doublings(lasted))) : TimeSpan.Zero;

    private static int Doublings(TimeSpan lasted) => (int)Math.Min(DoublingsMax, lasted.TotalMinutes);
}
