using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Whether any workflow is parked and when the next one is due, from looks at the database and from what is parked here.</summary>
/// <remarks>
/// An answer does not include workflows that were parked here after its question. Two looks may overlap, one at everything and one at a
/// part: each keeps what was parked since it began, and an answer that a later look's has overtaken takes nothing back. The owner changes
/// this under a lock.
/// </remarks>
internal sealed class ParkedView
{
    private Look whole = new(0);
    private Look part = new(0);
    private int looks;
    private int lastSettled;
    private volatile bool any = true;

    /// <summary>Whether any workflow is parked, as far as is known.</summary>
    public bool Any => any;

    /// <summary>The first known moment at which a parked workflow is due. What was known before a look counts until its answer.</summary>
    public long? NextWakeMs { get; private set; }

    /// <summary>Reports that a look begins.</summary>
    /// <param name="isPart">Whether it leaves out waits that ended before some moment.</param>
    /// <param name="missesSome">Whether workflows were parked here that it may not include.</param>
    public void LookBegins(bool isPart, bool missesSome)
    {
        var look = new Look(++looks) { Parked = missesSome };
        if (isPart)
        {
            part = look;
        }
        else
        {
            whole = look;
        }
    }

    /// <summary>Reports that a workflow was parked here.</summary>
    public void Parked(long? wakeAtMs)
    {
        any = true;
        NextWakeMs = Earlier(NextWakeMs, wakeAtMs);
        foreach (var look in (Look[])[whole, part])
        {
            look.Parked = true;
            look.WakeAtMs = Earlier(look.WakeAtMs, wakeAtMs);
        }
    }

    /// <summary>Applies the answer of the look of this kind that began last.</summary>
    public void Settle(ParkedOutlook outlook, bool isPart)
    {
        var look = isPart ? part : whole;
        var overtaken = look.Number < lastSettled;
        any = outlook.Any || look.Parked || ((isPart || overtaken) && any);
        if (!overtaken)
        {
            NextWakeMs = Earlier(outlook.NextWakeAtMs, look.WakeAtMs);
            lastSettled = look.Number;
        }
    }

    private static long? Earlier(long? one, long? other) => one is null || other < one ? other : one;

    private sealed class Look(int number)
    {
        public int Number { get; } = number;

        public bool Parked { get; set; }

        public long? WakeAtMs { get; set; }
    }
}
