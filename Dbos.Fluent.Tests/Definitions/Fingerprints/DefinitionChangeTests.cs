namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

public sealed class DefinitionChangeTests
{
    private static readonly string Original = Begin().Return(_ => 1).Fingerprint;

    [Fact]
    public void The_same_text_again_is_no_change() => Assert.Equal(Original, Begin().Return(_ => 1).Fingerprint);

    [Fact]
    public void The_text_behind_fingerprints_is_the_one_of_earlier_builds() =>
        Assert.Equal(
            "03e0cd45df325263e4b684d914b8bc80",
            Workflow.Define<Order, string>("pinned").Sleep(TimeSpan.FromHours(1)).Return(Convert.ToString!).Fingerprint);

    [Fact]
    public void A_label_is_no_change() =>
        Assert.Equal(
            Workflow.Define<Order, int>("w").If(x => x.Input.Amount > 1, yes => yes, label: "a").Return(_ => 1).Fingerprint,
            Workflow.Define<Order, int>("w").If(x => x.Input.Amount > 1, yes => yes, label: "b").Return(_ => 1).Fingerprint);

    [Fact]
    public void Each_part_and_each_modifier_counts()
    {
        string[] variants =
        [
            Original,
            Begin().Return(_ => 2).Fingerprint,
            Begin().ReturnEarly(_ => 1).Return(_ => 1).Fingerprint,
            Begin("other").Return(_ => 1).Fingerprint,
            Begin().Retry().Return(_ => 1).Fingerprint,
            Begin().Retry(attempts: 4).Return(_ => 1).Fingerprint,
            Begin().Retry(retryIf: _ => true).Return(_ => 1).Fingerprint,
            Begin().Retry(retryIf: _ => false).Return(_ => 1).Fingerprint,
            Begin().Timeout(TimeSpan.FromSeconds(1)).Return(_ => 1).Fingerprint,
            Begin().Timeout(TimeSpan.FromSeconds(2)).Return(_ => 1).Fingerprint,
            Begin().Try(out _).Return(_ => 1).Fingerprint,
            Begin().Step("more", _ => Task.CompletedTask).Return(_ => 1).Fingerprint,
            Begin().Sleep(TimeSpan.FromSeconds(1)).Return(_ => 1).Fingerprint,
            Begin().Sleep(TimeSpan.FromSeconds(2)).Return(_ => 1).Fingerprint,
            Begin().Sleep(_ => TimeSpan.FromSeconds(2)).Return(_ => 1).Fingerprint,
            Begin().SleepUntil(_ => DateTimeOffset.MinValue).Return(_ => 1).Fingerprint,
            Begin().If(_ => true, yes => yes.Step("more", _ => Task.CompletedTask)).Return(_ => 1).Fingerprint,
            Begin().If(_ => false, yes => yes.Step("more", _ => Task.CompletedTask)).Return(_ => 1).Fingerprint,
            Begin().If(_ => true, yes => yes, no => no.Step("more", _ => Task.CompletedTask)).Return(_ => 1).Fingerprint,
            Begin().While(_ => true, body => body.Step("more", _ => Task.CompletedTask)).Return(_ => 1).Fingerprint,
            Begin().ForEach(x => x.Input.Items, "each", (item, _) => Task.FromResult(item)).Return(_ => 1).Fingerprint,
            Begin().ForEach(x => x.Input.Items, "each", (item, _) => Task.FromResult(item), maxParallel: 2).Return(_ => 1).Fingerprint,
            Begin().Fail(_ => new TimeoutException()).Return(_ => 1).Fingerprint,
            Begin().Fail(_ => new TimeoutException("late")).Return(_ => 1).Fingerprint,
            Begin().Then(_ => Step.Sleep(TimeSpan.Zero)).Return(_ => 1).Fingerprint,
            Begin().Then(_ => Step.Sleep(TimeSpan.MaxValue)).Return(_ => 1).Fingerprint,
            Begin().Call(Child("a"), x => x.Input.Amount).Return(_ => 1).Fingerprint,
            Begin().Call(Child("b"), x => x.Input.Amount).Return(_ => 1).Fingerprint,
            Begin().Call(Child("a"), x => x.Input.Amount + 1).Return(_ => 1).Fingerprint,
            Begin().Call(Child("a"), x => x.Input.Amount, _ => new StartOptions()).Return(_ => 1).Fingerprint,
            Begin().Start(Child("a"), x => x.Input.Amount).Return(_ => 1).Fingerprint,
        ];

        AllDiffer(variants);
    }

    [Fact]
    public void Undos_branches_and_messages_count()
    {
        string[] variants =
        [
            Original,
            Begin().CompensateWith(_ => Task.CompletedTask).Return(_ => 1).Fingerprint,
            Begin().CompensateWith(x => Elsewhere.ChargeAsync(x.Input.Amount)).Return(_ => 1).Fingerprint,
            Begin().CompensateWith((_, charged) => Elsewhere.ChargeAsync(-charged)).Return(_ => 1).Fingerprint,
            Begin().Parallel(("a", b => b), ("b", b => b)).Return(_ => 1).Fingerprint,
            Begin().Parallel(("a", b => b), ("c", b => b)).Return(_ => 1).Fingerprint,
            Begin().Parallel(("b", b => b), ("a", b => b)).Return(_ => 1).Fingerprint,
            Begin().Parallel(("a", b => b.Sleep(TimeSpan.Zero)), ("b", b => b)).Return(_ => 1).Fingerprint,
            Begin().Parallel(("a", b => b), ("b", b => b.Sleep(TimeSpan.Zero))).Return(_ => 1).Fingerprint,
            Begin().Parallel(("a", b => b.Parallel(("b", c => c)))).Return(_ => 1).Fingerprint,
            Begin().Send(_ => "w", _ => 1).Return(_ => 1).Fingerprint,
            Begin().Send(_ => "w", _ => 1, "t").Return(_ => 1).Fingerprint,
            Begin().Send(_ => "w", _ => 2).Return(_ => 1).Fingerprint,
            Begin().Receive<int>().Return(_ => 1).Fingerprint,
            Begin().Receive<long>().Return(_ => 1).Fingerprint,
            Begin().Receive<int>("t").Return(_ => 1).Fingerprint,
            Begin().Receive<int>("t", TimeSpan.FromSeconds(1)).Return(_ => 1).Fingerprint,
            Begin().Receive<int>("t", TimeSpan.FromSeconds(2)).Return(_ => 1).Fingerprint,
            Begin().SetEvent("k", _ => 1).Return(_ => 1).Fingerprint,
            Begin().SetEvent("k", _ => 2).Return(_ => 1).Fingerprint,
            Begin().SetEvent("l", _ => 1).Return(_ => 1).Fingerprint,
            Begin().GetEvent<int>(_ => "w", "k", TimeSpan.FromSeconds(1)).Return(_ => 1).Fingerprint,
            Begin().GetEvent<int>(_ => "w", "k", TimeSpan.FromSeconds(2)).Return(_ => 1).Fingerprint,
            Begin().GetEvent<int>(_ => "v", "k", TimeSpan.FromSeconds(1)).Return(_ => 1).Fingerprint,
            Begin().WriteStream("k", _ => 1).Return(_ => 1).Fingerprint,
            Begin().CloseStream("k").Return(_ => 1).Fingerprint,
            Begin().CloseStream("l").Return(_ => 1).Fingerprint,
        ];

        AllDiffer(variants);
    }

    [Fact]
    public void A_changed_body_of_a_step_is_a_change() =>
        Assert.NotEqual(
            Workflow.Define<Order>("w").Step("s", x => Elsewhere.ChargeAsync(x.Input.Amount)).End().Fingerprint,
            Workflow.Define<Order>("w").Step("s", x => Elsewhere.ChargeAsync(x.Input.Amount * 2)).End().Fingerprint);

    private static void AllDiffer(string[] fingerprints)
    {
        Assert.DoesNotContain("", fingerprints);
        Assert.Equal(fingerprints.Length, fingerprints.Distinct().Count());
    }

    private static StepBuilder<Order, int, int> Begin(string step = "charge") =>
        Workflow.Define<Order, int>("w").Step(step, x => Elsewhere.ChargeAsync(x.Input.Amount));

    private static WorkflowDefinition<int, string> Child(string name) => Workflow.Declare<int, string>(name);
}
