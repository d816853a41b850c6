// Has the API server's own code (k8s.io/apiserver) evaluate a MutatingAdmissionPolicy: standard input is JSON, the policy and samples of
// params, namespace and pod; standard output is JSON, for each sample the pod as it comes out, or what failed. Conditions, variables and patches
// are compiled and run as in kube-apiserver, strict decoding of the patched pod included. To build it:
//
//	cd test/deploy/apiserver && go mod tidy && go build -o /usr/local/bin/pod-policy-check .
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	_ "unsafe" // go:linkname

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"
)

// What kube-apiserver does with a policy that it has read.
//
//go:linkname compilePolicy k8s.io/apiserver/pkg/admission/plugin/policy/mutating.compilePolicy
func compilePolicy(policy *admissionv1.MutatingAdmissionPolicy) mutating.PolicyEvaluator

type input struct {
	Policy  admissionv1.MutatingAdmissionPolicy `json:"policy"`
	Samples []sample                            `json:"samples"`
}

type sample struct {
	Params corev1.ConfigMap `json:"params"`
	Pod    corev1.Pod       `json:"pod"`
}

type outcome struct {
	// How it was before, where a condition does not hold.
	Pod   *corev1.Pod `json:"pod,omitempty"`
	Error string      `json:"error,omitempty"`
}

func main() {
	var in input
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		fail(err)
	}
	evaluator := compilePolicy(&in.Policy)
	if evaluator.Error != nil {
		fail(evaluator.Error)
	}
	outcomes := []outcome{}
	for _, one := range in.Samples {
		pod, err := admit(evaluator, one)
		if err != nil {
			outcomes = append(outcomes, outcome{Error: err.Error()})
			continue
		}
		outcomes = append(outcomes, outcome{Pod: pod})
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		fail(err)
	}
}

func admit(evaluator mutating.PolicyEvaluator, one sample) (*corev1.Pod, error) {
	ctx := evaluator.CompositedCompiler.CreateContext(context.Background())
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	attributes := admission.NewAttributesRecord(&one.Pod, nil, kind, one.Pod.Namespace, one.Pod.Name, resource, "",
		admission.Create, &metav1.CreateOptions{}, false, nil)
	objects := admission.NewObjectInterfacesFromScheme(scheme.Scheme)
	versioned, err := admission.NewVersionedAttributes(attributes, kind, objects)
	if err != nil {
		return nil, err
	}
	matched := evaluator.Matcher.Match(ctx, versioned, &one.Params, nil)
	if matched.Error != nil {
		return nil, matched.Error
	}
	if !matched.Matches {
		return &one.Pod, nil
	}
	for _, mutator := range evaluator.Mutators {
		made, err := mutator.Patch(ctx, patch.Request{
			MatchedResource:     resource,
			VersionedAttributes: versioned,
			ObjectInterfaces:    objects,
			OptionalVariables:   plugincel.OptionalVariableBindings{VersionedParams: runtime.Object(&one.Params)},
			Namespace:           &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: one.Pod.Namespace}},
		}, celconfig.RuntimeCELCostBudget)
		if err != nil {
			return nil, err
		}
		versioned.UpdateObject(made)
	}
	pod, ok := versioned.VersionedObject.Object().(*corev1.Pod)
	if !ok {
		return nil, errors.New("the patched object is no pod")
	}
	return pod, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
