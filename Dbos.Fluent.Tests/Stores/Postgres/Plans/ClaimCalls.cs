using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What takes work, waiting or parked.</summary>
internal static class ClaimCalls
{
    private static readonly ClaimSql Claims = new(Schema);
    private static readonly LimitedClaimSql Limited = new(Schema);
    private static readonly ParkedClaimSql Parked = new(Schema);

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["claim"] = new(Claims.Claim, on => on.Store.Claims.ClaimAsync(on.Claim(100), on.Cancel)),
        ["claim once more"] = new(Claims.ReadClaimed, async on =>
        {
            var request = on.Claim();
            await on.Store.Claims.ClaimAsync(request, on.Cancel);
            await on.Store.Claims.ClaimAsync(request with { Repeated = true }, on.Cancel);
        }),
        ["claim of forks"] = new(Claims.ReadAncestors, on => on.Store.Claims.ClaimAsync(on.Claim() with { Queues = ["forks"] }, on.Cancel)),
        ["claim of forks, their origins"] = new(
            Claims.StoreOrigins, on => on.Store.Claims.ClaimAsync(on.Claim() with { Queues = ["forks"] }, on.Cancel)),
        ["claim of large inputs"] = new(
            Claims.ReadInputs, on => on.Store.Claims.ClaimAsync(on.Claim() with { Queues = ["large"] }, on.Cancel)),
        ["lock of a limited queue"] = new(Limited.Lock, on => ClaimAsync(on, "whole")),
        ["claim of a limited queue, its rate window counted"] = new(Limited.ClaimKinds, on => ClaimAsync(on, "whole")),
        ["claim of what was handed on, its starts noted"] = new(Limited.ClaimLine, on => ClaimAsync(on, "again")),
        ["claim of a partitioned queue, its turns and windows counted"] = new(Limited.Claim, on => ClaimAsync(on, "parted", "p500")),
        ["claim of a partitioned queue, round the end"] = new(Limited.Claim, on => ClaimAsync(on, "parted", "p9999")),
        ["parked that are due"] = new(Parked.Due, on => ParkedAsync(on, new ParkedScope.Due())),
        ["parked that are woken"] = new(Parked.Woken, on => ParkedAsync(on, new ParkedScope.Woken(
            [
                new(StoreSignalKind.Message, "p1001::approval"),
                new(StoreSignalKind.Event, $"q{on.Next() - 98_000}::done"),
                new(StoreSignalKind.Completed, "q1003"),
            ]))),
        ["parked that others have told of"] = new(
            Parked.Among, on => ParkedAsync(on, new ParkedScope.Among(["p1", "p5001", "p5002", "p5003"]))),
        ["page of parked"] = new(Parked.Page, on => ParkedAsync(on, new ParkedScope.Page("p3", 300))),
        ["outlook of parked"] = new(Parked.ReadOutlook, on => on.Store.Claims.ReadParkedOutlookAsync(A.Application, null, on.Cancel)),
        ["histories"] = new(Claims.ReadHistories, on => on.Store.Claims.ReadHistoriesAsync(["r1", "r2", "s1", "nobody"], on.Cancel)),
    };

    private static Task<LimitedClaim> ClaimAsync(Executing on, string queue, string after = "") =>
        on.Store.Claims.ClaimLimitedAsync(on.Claim(), new QueueShare(queue, 0, [], after), on.Cancel);

    private static Task<ParkedClaim> ParkedAsync(Executing on, ParkedScope scope) =>
        on.Store.Claims.ClaimParkedAsync(on.Claim(), scope, on.Cancel);
}
