namespace Dbos.Fluent.Samples;

/// <summary>The code in docs/ about operating and changing workflows. It is compiled, so the compiler checks it.</summary>
internal static class ReadmeOperations
{
    private static readonly WorkflowDefinition<Order, string> Pay = Workflow.Define<Order, string>("pay")
        .Patch(
            "ask the bank twice",
            now => now.Step("confirm", x => Bank.ConfirmAsync(x.Input)),
            before => before)
        .Step("transfer", x => Bank.TransferAsync(x.Input)).As(out var transfer)
        .Return(x => x.Get(transfer));

    private static readonly WorkflowDefinition<Meter, Unit> Reading = Workflow.Define<Meter>("reading", ReadAsync);

    public static async Task OperateAsync(WorkflowEngine engine)
    {
        var why = await engine.ExplainAsync("order-1001");
        Console.WriteLine($"{why.Reason}: {why.Text}");

        foreach (var (id, adopted, reason) in await engine.Versions.AdoptAsync("2026-10"))
        {
            Console.WriteLine(adopted ? $"{id} continues here" : $"{id} stays: {reason}");
        }

        await engine.Versions.SetLatestAsync("2026-10");      // work that is bound to no version goes to it again
        var count = await engine.RecoverAsync(["host-7"]);    // hands the work of an executor whose lease has ended on at once

        await File.WriteAllTextAsync("migrate.sql", WorkflowClient.MigrationScript(schema: "dbos"));
        Console.WriteLine($"{count} {Pay.Name} {Reading.Name}");
    }

    public static async IAsyncEnumerable<StepOr<string>> PayAsync(Order order, WorkflowContext workflow)
    {
        yield return Step.Patch("ask the bank twice").As(out var patched);
        if (patched.Result)
        {
            yield return Step.Run("confirm", s => Bank.ConfirmAsync(order));    // new runs; an old history passes without it
        }

        yield return Step.Run("transfer", s => Bank.TransferAsync(order)).As(out var transfer);
        yield return transfer.Result;
    }

    private static async IAsyncEnumerable<Step> ReadAsync(Meter meter, WorkflowContext workflow)
    {
        yield return Step.Run("read", s => Meters.ReadAsync(meter.Id)).As(out var value);
        yield return Step.Sleep(TimeSpan.FromMinutes(15));
        yield return Workflow.ContinueAsNew(meter with { Last = value.Result });
    }

    private sealed record Meter(string Id, double Last);

    private static class Meters
    {
        public static Task<double> ReadAsync(string id) => Task.FromResult((double)id.Length);
    }

    private static class Bank
    {
        public static Task ConfirmAsync(Order order) => Task.CompletedTask;

        public static Task<string> TransferAsync(Order order) => Task.FromResult($"{order.Total} transferred");
    }
}
