using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>What was claimed under a lease is only begun while that lease has not ended.</summary>
public sealed class LeaseTests
{
    [Fact]
    public void A_lease_that_is_renewed_in_time_stays_in_its_term()
    {
        var lease = new Lease(TimeSpan.FromHours(1));
        var term = lease.Term;

        Renew(lease, TimeProvider.System.GetUtcNow());

        Assert.True(lease.Holds(term));
    }

    [Fact]
    public void A_lease_that_had_ended_before_it_was_renewed_begins_another_term()
    {
        var lease = new Lease(TimeSpan.FromHours(1));
        var term = lease.Term;
        Renew(lease, TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(2));
        Assert.False(lease.Holds(term));

        Renew(lease, TimeProvider.System.GetUtcNow());

        Assert.True(lease.IsAlive);
        Assert.False(lease.Holds(term));
        Assert.True(lease.Holds(lease.Term));
    }

    private static void Renew(Lease lease, DateTimeOffset sentAt) => lease.Renewed(TimeProvider.System.GetTimestamp(), sentAt);
}
