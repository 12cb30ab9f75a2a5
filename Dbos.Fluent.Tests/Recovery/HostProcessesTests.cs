using Dbos.Fluent.Recovery;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>When a process of this host counts as gone without waiting for its lease: only where there is no doubt.</summary>
public sealed class HostProcessesTests
{
    private static readonly HostProcess Observer = new("machine", "boot", "pid:[1]", 10, 100);
    private static readonly HostProcess Other = new("machine", "boot", "pid:[1]", 42, 4242);

    [Fact]
    public void A_process_whose_id_is_free_is_gone() => Assert.True(IsDead(Other, start: null, mayExist: false));

    [Fact]
    public void A_process_whose_id_belongs_to_a_younger_one_is_gone() => Assert.True(IsDead(Other, start: 5000, mayExist: true));

    [Fact]
    public void A_process_that_is_there_is_not_gone() => Assert.False(IsDead(Other, start: 4242, mayExist: true));

    [Fact]
    public void A_process_that_is_hidden_from_us_is_not_gone() => Assert.False(IsDead(Other, start: null, mayExist: true));

    [Fact]
    public void Nobody_on_another_machine_boot_or_namespace_is_proven_gone()
    {
        Assert.False(IsDead(Other with { MachineId = "another" }, start: null, mayExist: false));
        Assert.False(IsDead(Other with { BootId = "earlier" }, start: null, mayExist: false));
        Assert.False(IsDead(Other with { PidNamespace = "pid:[2]" }, start: null, mayExist: false));
    }

    [Fact]
    public void An_observer_that_does_not_know_where_it_runs_proves_nothing()
    {
        var lost = Observer with { BootId = "" };

        Assert.False(HostProcesses.IsProvenDead(Other with { BootId = "" }, lost, _ => null, _ => false));
    }

    [Fact]
    public void This_process_itself_is_not_gone() => Assert.False(HostProcesses.IsProvenDead(HostProcesses.Current));

    private static bool IsDead(HostProcess process, long? start, bool mayExist) =>
        HostProcesses.IsProvenDead(process, Observer, _ => start, _ => mayExist);
}
