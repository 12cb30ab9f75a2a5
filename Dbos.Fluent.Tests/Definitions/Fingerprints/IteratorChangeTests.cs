namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>Each method after the first differs from it in one thing.</summary>
public sealed class IteratorChangeTests
{
    [Fact]
    public void The_same_text_again_is_no_change() => Assert.Equal(Of(Original), Of(Again));

    [Fact]
    public void A_changed_constant_is_a_change() => Changed(ChangedConstant);

    [Fact]
    public void A_changed_step_name_is_a_change() => Changed(ChangedStepName);

    [Fact]
    public void A_changed_text_is_a_change() => Changed(ChangedText);

    [Fact]
    public void A_changed_body_of_a_step_is_a_change() => Changed(ChangedStepBody);

    [Fact]
    public void A_changed_captured_variable_is_a_change() => Changed(ChangedCapture);

    [Fact]
    public void An_added_step_is_a_change() => Changed(AddedStep);

    [Fact]
    public void Another_order_of_steps_is_a_change() => Changed(OtherOrder);

    [Fact]
    public void Another_condition_is_a_change() => Changed(OtherCondition);

    [Fact]
    public void Another_type_of_a_result_is_a_change() => Changed(OtherType);

    [Fact]
    public void Another_service_is_a_change() => Changed(OtherCall);

    private static void Changed(Func<Order, WorkflowContext, IAsyncEnumerable<StepOr<int>>> body) =>
        Assert.NotEqual(Of(Original), Of(body));

    private static string Of(Func<Order, WorkflowContext, IAsyncEnumerable<StepOr<int>>> body) =>
        Workflow.Define<Order, int>("w", body).Fingerprint;

    private static async IAsyncEnumerable<StepOr<int>> Original(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> Again(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> ChangedConstant(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 2)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> ChangedStepName(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge card", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> ChangedText(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "Noted " + rate;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> ChangedStepBody(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return rate + " noted";
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> ChangedCapture(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + fee;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> AddedStep(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return Step.Run("last", s => Task.CompletedTask);
        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> OtherOrder(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("note", async s =>
        {
            await Task.Yield();
            return "noted " + rate;
        });
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Sleep(TimeSpan.Zero);
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> OtherCondition(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result >= fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> OtherType(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Elsewhere.ChargeAsync(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return (object)("noted " + rate);
            });
        }

        yield return charge.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> OtherCall(Order order, WorkflowContext workflow)
    {
        var (rate, fee) = (order.Amount, order.Items.Count);
        yield return Step.Run("charge", s => Task.FromResult(rate + 1)).As(out var charge);
        if (charge.Result > fee)
        {
            yield return Step.Run("note", async s =>
            {
                await Task.Yield();
                return "noted " + rate;
            });
        }

        yield return charge.Result;
    }
}
