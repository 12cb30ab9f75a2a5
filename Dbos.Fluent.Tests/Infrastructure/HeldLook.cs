using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>The first look of a wait, held before it takes effect, or after it did and before its answer is known.</summary>
internal static class HeldLook
{
    /// <param name="moment"><c>before it looks</c>, <c>after it looked</c>, or anything else for no holding.</param>
    /// <param name="held">Where the look stands still.</param>
    /// <param name="isLook">Which calls are looks.</param>
    public static CallFaults At(string moment, Probe held, Func<StoreCall, bool> isLook)
    {
        var once = 1;
        var faults = new CallFaults();
        switch (moment)
        {
            case "before it looks":
                faults.Before = HoldAsync;
                break;
            case "after it looked":
                faults.After = HoldAsync;
                break;
        }

        return faults;

        Task HoldAsync(StoreCall call, CancellationToken token) =>
            isLook(call) && Interlocked.Exchange(ref once, 0) == 1 ? held.PassAsync(token) : Task.CompletedTask;
    }
}
