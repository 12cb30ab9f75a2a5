using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class MessageDescriptorTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_send_says_what_goes_where()
    {
        var send = Step.Send("w", 7, "topic", "key", PayloadFormat.PortableJson);

        var described = Assert.IsType<ISendStep>(send, exactMatch: false);
        Assert.Equal(("DBOS.send", 1, PayloadFormat.PortableJson), (send.Name, send.Slots, described.Format));
        Assert.Equal([new OutgoingMessage("w", 7, typeof(int), "topic", "key")], described.Messages);
    }

    [Fact]
    public void Several_messages_are_one_step()
    {
        var send = Step.SendMany([("a", "x", null, null), ("b", "y", "topic", "key")]);

        Assert.Equal(("DBOS.sendBulk", 1), (send.Name, send.Slots));
        Assert.Null(((ISendStep)send).Format);
        Assert.Equal(["a x", "b y"], ((ISendStep)send).Messages.Select(message => $"{message.WorkflowId} {message.Value}"));
        Assert.Empty(((ISendStep)Step.SendMany<int>([])).Messages);
    }

    [Fact]
    public void One_key_stands_once_for_one_destination()
    {
        var error = Assert.Throws<ArgumentException>(() =>
            Step.SendMany([("a", 1, null, "key"), ("b", 2, null, null), ("a", 3, "t", "key")]));

        Assert.Contains("'key' stands twice for workflow 'a'", error.Message);
        Step.SendMany([("a", 1, null, "key"), ("b", 2, null, "key"), ("a", 3, null, "other"), ("a", 4, null, null), ("a", 5, null, null)]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a\nb")]
    public void Names_and_ids_are_checked_where_the_step_is_made(string bad)
    {
        Action[] makers =
        [
            () => Step.Send(bad, 1),
            () => Step.Send("w", 1, bad),
            () => Step.Send("w", 1, null, bad),
            () => Step.SendMany([(bad, 1, null, null)]),
            () => Step.Receive<int>(bad),
            () => Step.Receive<int>(bad, Second),
            () => Step.Receive<int>(bad, DateTimeOffset.UnixEpoch),
            () => Step.SetEvent(bad, 1),
            () => Step.GetEvent<int>(bad, "k", Second),
            () => Step.GetEvent<int>("w", bad, Second),
            () => Step.WriteStream(bad, 1),
            () => Step.CloseStream(bad),
            () => Step.ReadStream<int>(bad, "k", 0),
            () => Step.ReadStream<int>("w", bad, 0),
        ];

        Assert.All(makers, maker => Assert.ThrowsAny<ArgumentException>(maker));
    }

    [Fact]
    public void The_topic_that_stands_for_none_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Step.Send("w", 1, "__null__topic__"));
        Assert.Throws<ArgumentException>(() => Step.Receive<int>("__null__topic__"));
        Assert.Throws<ArgumentException>(() => Step.Receive<int>("__null__topic__", Second));
    }

    [Fact]
    public void The_text_that_ends_a_stream_is_refused_as_a_value()
    {
        Assert.Throws<ArgumentException>(() => Step.WriteStream("k", "__DBOS_STREAM_CLOSED__"));
        Assert.Throws<ArgumentException>(() => Step.WriteStream<object>("k", "__DBOS_STREAM_CLOSED__"));
        Step.WriteStream<string?>("k", null);
    }

    [Fact]
    public void A_format_is_one_of_the_enumeration() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Send("w", 1, format: (PayloadFormat)9));

    [Fact]
    public void A_wait_takes_two_numbers_with_or_without_an_end()
    {
        Step[] waits =
        [
            Step.Receive<int>(), Step.Receive<int>("t", Second), Step.Receive<int>("t", DateTimeOffset.UnixEpoch),
            Step.GetEvent<int>("w", "k", Second),
        ];

        Assert.All(waits, wait => Assert.Equal(2, wait.Slots));
        Assert.Equal(["DBOS.recv", "DBOS.recv", "DBOS.recv", "DBOS.getEvent"], waits.Select(wait => wait.Name));
    }

    [Fact]
    public void A_receive_has_one_kind_of_end_or_none()
    {
        Assert.Equal((null, null, null), Ends(Step.Receive<int>()));
        Assert.Equal(("t", Second, null), Ends(Step.Receive<int>("t", Second)));
        Assert.Equal(("t", null, DateTimeOffset.UnixEpoch), Ends(Step.Receive<int>("t", DateTimeOffset.UnixEpoch)));
    }

    [Fact]
    public void A_timeout_is_negative_only_where_it_has_no_end()
    {
        var negative = TimeSpan.FromTicks(-1);

        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Receive<int>(null, negative));
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.GetEvent<int>("w", "k", negative));
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.ReadStream<int>("w", "k", 0, negative));
        Assert.All(new[] { TimeSpan.Zero, TimeSpan.MaxValue, Timeout.InfiniteTimeSpan }, timeout =>
        {
            Assert.Equal(timeout, ((IReceiveStep)Step.Receive<int>(null, timeout)).Timeout);
            Assert.Equal(timeout, ((IGetEventStep)Step.GetEvent<int>("w", "k", timeout)).Timeout);
        });
    }

    [Fact]
    public void A_stream_is_read_from_an_offset_and_without_end_unless_told()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.ReadStream<int>("w", "k", -1));
        Assert.Null(((IReadStreamStep)Step.ReadStream<int>("w", "k", 0)).Timeout);
        Assert.Null(((IReadStreamStep)Step.ReadStream<int>("w", "k", 0, Timeout.InfiniteTimeSpan)).Timeout);

        var read = Step.ReadStream<int>("w", "k", 3, TimeSpan.Zero);
        var described = (IReadStreamStep)read;
        Assert.Equal(("DBOS.readStreamOffset", 1), (read.Name, read.Slots));
        Assert.Equal(("w", "k", 3, TimeSpan.Zero), (described.WorkflowId, described.Key, described.Offset, described.Timeout));
    }

    [Fact]
    public void Events_and_streams_say_what_is_written_in_which_type()
    {
        var set = Step.SetEvent<object>("e", "v");
        var write = Step.WriteStream("s", 1);
        var close = Step.CloseStream("s");

        Assert.Equal(["DBOS.setEvent", "DBOS.writeStream", "DBOS.closeStream"], new Step[] { set, write, close }.Select(step => step.Name));
        Assert.Equal(("e", "v", typeof(object)), (((ISetEventStep)set).Key, ((ISetEventStep)set).Value, ((ISetEventStep)set).ValueType));
        Assert.Equal(
            ("s", 1, typeof(int)), (((IWriteStreamStep)write).Key, ((IWriteStreamStep)write).Value, ((IWriteStreamStep)write).ValueType));
        Assert.Equal("s", ((ICloseStreamStep)close).Key);
    }

    [Fact]
    public void A_value_that_came_is_told_from_none()
    {
        var received = Step.Receive<string?>("t", Second).As(out var named);
        received.Bind(new object());

        ((IValueStep)received).CompleteEmpty();
        Assert.Equal((false, null), (named.Result.HasValue, named.Result.Value));

        ((IValueStep)received).CompleteWith(null);
        Assert.Equal((true, null), (named.Result.HasValue, named.Result.Value));
        Assert.Equal((typeof(string), typeof(Optional<string>)), (((IValueStep)received).ValueType, received.ResultType));
    }

    [Fact]
    public void A_receive_without_an_end_gives_the_message_itself()
    {
        var received = Step.Receive<int>().Try(out var tolerant);
        received.Bind(new object());

        ((IValueStep)received).CompleteWith(5);

        Assert.Equal((5, typeof(int), true), (tolerant.Result, ((IValueStep)received).ValueType, received.Tolerant));
    }

    private static (string? Topic, TimeSpan? Timeout, DateTimeOffset? Until) Ends(Step step) =>
        (((IReceiveStep)step).Topic, ((IReceiveStep)step).Timeout, ((IReceiveStep)step).Until);
}
