namespace Dbos.Fluent.Retention;

/// <summary>How much a retention pass deletes at once, and how long it rests in between.</summary>
/// <remarks>
/// The next commit of a running workflow waits for a batch's writes to the database's log. While others work, batches are therefore small
/// at first and the rests long. A pass that lasts longer than a minute has more to delete than that achieves. Each minute it takes twice as
/// much, up to half of the full speed.
/// </remarks>
internal static class RetentionPace
{
    private const int FullBatch = 1000;
    private const int GentleBatch = 50;
    private const double GentleRest = 4;
    private const int DoublingsMax = 5;

    /// <summary>How many workflows one batch deletes, by the age of the pass. Larger batches hardly help.</summary>
    public static int Batch(bool isBusy, TimeSpan lasted) =>
        isBusy ? Math.Min(FullBatch, GentleBatch << Doublings(lasted)) : FullBatch;

    /// <summary>How long to rest after a batch, by how long the batch took.</summary>
    public static TimeSpan Rest(bool isBusy, TimeSpan taken, TimeSpan lasted) =>
        isBusy ? taken * Math.Max(1, GentleRest / (1 << Doublings(lasted))) : TimeSpan.Zero;

    private static int Doublings(TimeSpan lasted) => (int)Math.Min(DoublingsMax, lasted.TotalMinutes);
}
